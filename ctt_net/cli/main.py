"""Which commands there are, and how they end."""

import argparse
import atexit
import errno
import gc
import io
import os
import sys
from collections.abc import Callable, Sequence

from ctt_net import INTENDED_USE, __version__
from ctt_net.cli import (
    audit,
    bundle,
    check,
    compare,
    convert,
    deidentify,
    evaluate,
    explain,
    info,
    measure,
    plan,
    predict,
    prepare,
    pretrain,
    recalibrate,
    report,
    schema,
    serve,
    simulate,
    train,
    train_segmenter,
)
from ctt_net.cli.command import INTERRUPTED, PIPE_CLOSED, TERMINATED, WRONG_INPUT
from ctt_net.errors import InputError
from ctt_net.io.sigterm import Terminated, sigterm_interrupts

# Failures of disk and network, whatever was asked for, and how to fix them.
_FIXES = {
    errno.ENOSPC: "make room, or name a folder on another disk",
    errno.EDQUOT: "make room, or name a folder on another disk",
    errno.EROFS: "name another folder",
    errno.EACCES: "ask for permission, or name another folder",
    errno.EIO: "check that disk and network are connected",
    errno.ESTALE: "check that disk and network are connected",
}

# All that was loaded is not searched at the end, which takes a sixth of a prediction's time.
atexit.register(gc.freeze)

_KEPT = "what was finished is kept, nothing is half written"

COMMANDS = (
    prepare,
    check,
    train,
    evaluate,
    predict,
    explain,
    info,
    serve,
    measure,
    compare,
    report,
    audit,
    recalibrate,
    plan,
    pretrain,
    train_segmenter,
    simulate,
    convert,
    deidentify,
    bundle,
    schema,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; the process's own by default.

    Returns:
        Exit code: 0 done, 2 the input is wrong, 1 an internal error, 130 Ctrl-C, 143 SIGTERM.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _encode_output()
    # A large table is millions of cells without a cycle, searched again and again otherwise.
    gc.set_threshold(100_000, 20, 100)
    with sigterm_interrupts() as stopped:
        try:
            status = _run(arguments)
        except BaseException:
            if not stopped:
                raise
    if not stopped:
        return status
    # Whatever it has led to, such as the end of a process that worked for this one.
    print(f"stopped by SIGTERM; {_KEPT}", file=sys.stderr)
    return TERMINATED


def _run(arguments: list[str]) -> int:
    """Run one command; its errors become messages and exit codes."""
    try:
        # Their keys are those of the constructors, which only the training stack can name.
        for name, command in (("train", train), ("pretrain", pretrain)):
            if arguments[:1] == [name]:
                return command.run(arguments[1:])
        options = _parser().parse_args(arguments)
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except Terminated:
        raise
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_INPUT
    except KeyboardInterrupt:
        print(f"interrupted; {_KEPT}", file=sys.stderr)
        return INTERRUPTED
    except MemoryError as error:
        print(
            f"error: out of memory ({error or 'no more could be had'}); end other programs, or "
            f"lower the number of workers and what is read at once (of a training, "
            f"data.batch_size, and the size in data.preprocessing)",
            file=sys.stderr,
        )
        return WRONG_INPUT
    except BrokenPipeError:  # `ctt-net check COHORT --json | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except RuntimeError as error:  # what pathlib makes of ELOOP before Python 3.13
        if not str(error).startswith("Symlink loop"):
            raise
        print(f"error: {error}; remove the link", file=sys.stderr)
        return WRONG_INPUT
    except OSError as error:
        # One that names a file is that file's affair, whatever kind it is.
        if error.errno not in _FIXES and error.filename is None:
            raise
        place = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
        fix = f"; {_FIXES[error.errno]}" if error.errno in _FIXES else ""
        print(f"error: {place}{error.strerror}{fix}", file=sys.stderr)
        return WRONG_INPUT


def _encode_output() -> None:
    """UTF-8 to pipes and files, to a terminal its own encoding; never a UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ctt-net",
        description="Postoperative visual acuity from preoperative OCT B-scans.",
        epilog=INTENDED_USE,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=18),
    )
    parser.add_argument("--version", action="version", version=f"ctt-net {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser
