"""The command line of a recipe in `datasets/`: a mapping, completed by what it cannot say."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctt_net import INTENDED_USE
from ctt_net.cli.command import WRONG_INPUT
from ctt_net.cli.prepare import add_hold_out, prepare
from ctt_net.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def recipe_parser(description: str) -> argparse.ArgumentParser:
    """RAW, OUT and the options that every recipe has; a recipe adds its own."""
    parser = argparse.ArgumentParser(description=description, epilog=INTENDED_USE)
    parser.add_argument("raw", type=Path, metavar="RAW", help="folder of the download or export")
    parser.add_argument("out", type=Path, metavar="OUT", help="cohort folder to make")
    parser.add_argument(
        "--replace", action="store_true", help="exchange an existing cohort folder in one step"
    )
    parser.add_argument(
        "--tables-only", action="store_true", help="leave the scans out; every view is missing"
    )
    add_hold_out(parser)
    return parser


def run_recipe(
    options: argparse.Namespace,
    complete: "Callable[[argparse.Namespace], tuple[dict[str, Any], pd.DataFrame | None]]",
) -> int:
    """Complete the mapping, then do what `ctt-net prepare` does.

    Args:
        options: Of a `recipe_parser`.
        complete: Gives the mapping, with paths relative to RAW, and None or a table to be read in
            place of its `table.file`: what `read_table` made of that file, changed.
            The mapping may also hold `remarks`: step, count and unit for the flow.

    Returns:
        Exit code: 0 done, 2 the input is wrong.
    """
    from ctt_net.prepare import check_mapping

    try:
        mapping, table = complete(options)
        remarks = mapping.pop("remarks", [])
        checked = check_mapping(mapping, options.raw / "the recipe's mapping")
        return prepare(checked, options, options.raw, table, remarks)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_INPUT
