"""`ctt-net info`."""

import argparse
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "info",
        "say what a model is: trained on what, how well, and whether its files are whole",
        run,
        ["ctt-net info runs/ctt_net", "ctt-net info runs/ctt_net --json"],
    )
    parser.add_argument("model", type=Path, help="run folder or model folder")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the facts."""
    from ctt_net.inference.model_info import info_lines, model_info
    from ctt_net.io.json_file import json_text

    info = model_info(options.model)
    if options.json:
        print(json_text(info), end="")
        return DONE
    lines = info_lines(info)
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"{name:{width}}  {value}")
    print(INTENDED_USE)
    return DONE
