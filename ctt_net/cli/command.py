"""What every command shares: exit codes, the form of its help, and how results are printed."""

import argparse
import contextlib
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from ctt_net import INTENDED_USE
from ctt_net.errors import InputError, install_extra

DONE, INTERNAL_ERROR, WRONG_INPUT, FINDINGS = 0, 1, 2, 3
INTERRUPTED, PIPE_CLOSED, TERMINATED = 130, 141, 143  # 128 + number of the signal

# argparse names the type of `add_subparsers` only privately.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(
    commands: Commands,
    name: str,
    purpose: str,
    run: Callable[[argparse.Namespace], int],
    examples: Sequence[str] = (),
) -> argparse.ArgumentParser:
    """Add one command; its help gives the purpose, examples, options and the intended use.

    Args:
        commands: The program's commands.
        name: As typed.
        purpose: One line, also for the list of commands.
        run: Takes the options, returns the exit code.
        examples: Command lines.
    """
    described = ["", "", "examples:", *(f"  {line}" for line in examples)] if examples else []
    parser = commands.add_parser(
        name,
        help=purpose,
        description="\n".join([f"{purpose[0].upper()}{purpose[1:]}.", *described[1:]]),
        epilog=textwrap.fill(INTENDED_USE, 80),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_preop_va(parser: argparse.ArgumentParser, also: str = "") -> None:
    """Declare the acuity before surgery of one patient, and its notation.

    Args:
        parser: Of a command.
        also: What else has that notation.
    """
    parser.add_argument(
        "--preop-va",
        action="append",
        default=[],
        metavar="EYE=VALUE",
        help="preoperative acuity, such as OD=20/60; once per eye",
    )
    parser.add_argument(
        "--notation",
        help=f"notation of --preop-va{also}; fractions and words such as CF need none",
    )


@contextlib.contextmanager
def needs_extra(what: str, extra: str) -> Iterator[None]:
    """Import inside; a package that is missing becomes one message that says how to install it.

    Args:
        what: That needs it, such as `training`.
        extra: Of ctt-net, which installs it.

    Raises:
        InputError: If a package is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if str(error.name).startswith("ctt_net"):
            raise
        raise InputError(
            f"{what} needs {error.name}, which is not installed; {install_extra(extra)}"
        ) from None


def print_results(metrics: Mapping[str, Any], report: Path) -> None:
    """Print the table, the verdict, the warnings and where the report lies."""
    from rich.console import Console

    from ctt_net.report.comparison import render_table, verdict

    console = Console()
    console.print(render_table(metrics))
    console.print(verdict(metrics), highlight=False)
    for warning in metrics["warnings"]:
        console.print(f"note: {warning}", highlight=False, markup=False)
    console.print(f"report: {report}", highlight=False, soft_wrap=True, markup=False)
    console.print(INTENDED_USE, style="dim", highlight=False)
