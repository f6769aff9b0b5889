"""What every command's options share."""

import argparse
from collections.abc import Callable
from typing import TypeAlias

from ctt_net import INTENDED_USE

# argparse names the type of `add_subparsers` only privately.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(
    commands: Commands, name: str, help_text: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Add one command, with the words of intended use below its help.

    Args:
        commands: The program's commands.
        name: As typed.
        help_text: One line for the program's help.
        run: Takes the options, returns the exit code.
    """
    parser = commands.add_parser(name, help=help_text, description=help_text, epilog=INTENDED_USE)
    parser.set_defaults(run=run)
    return parser
