"""`ctt-net compare`."""

import argparse
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, add_command
from ctt_net.errors import InputError


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "compare",
        "compare runs or evaluations on the eyes they share",
        run,
        [
            "ctt-net compare runs/ctt_net runs/mean",
            "ctt-net compare runs/ctt_net/held_out runs/mean/held_out --out out/compared",
        ],
    )
    parser.add_argument(
        "evaluations",
        type=Path,
        nargs="+",
        metavar="RUN_OR_EVALUATION",
        help="run folders or --out of evaluate; each is compared with the first",
    )
    parser.add_argument(
        "--out", type=Path, help="also write a page with tables and figures to this folder"
    )


def run(options: argparse.Namespace) -> int:
    """Print errors, settings that differ and a verdict; write the page if asked."""
    from rich.console import Console
    from rich.table import Table

    from ctt_net.io.atomic_write import check_writable
    from ctt_net.report.compare import compare_evaluations, write_comparison
    from ctt_net.report.rerender import read_evaluated

    if len(options.evaluations) < 2:
        raise InputError("compare needs two folders or more; each is compared with the first")
    if options.out is not None:
        check_writable(options.out, "config.yaml")
    comparison = compare_evaluations([read_evaluated(folder) for folder in options.evaluations])
    page = None if options.out is None else write_comparison(comparison, options.out)
    console = Console(highlight=False, markup=False)
    errors = Table("", "eyes", "mean absolute error, logMAR")
    for name, eyes, error in comparison.errors():
        errors.add_row(name, f"{eyes:,}", error)
    console.print(errors)
    if comparison.settings:
        settings = Table("setting", *comparison.names)
        for key, values in comparison.settings.items():
            settings.add_row(key, *values)
        console.print(settings)
    else:
        console.print("no setting differs")
    for sentence in comparison.verdicts:
        console.print(sentence, soft_wrap=True)
    if page is not None:
        console.print(f"report: {page}", soft_wrap=True)
    console.print(INTENDED_USE, style="dim")
    return DONE
