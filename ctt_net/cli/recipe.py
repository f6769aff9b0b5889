"""The command line of a recipe in `datasets/`: a mapping, completed by what it cannot say."""

import argparse
import csv
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ctt_net import INTENDED_USE
from ctt_net.cli import prepare
from ctt_net.cli.exit_code import WRONG_INPUT
from ctt_net.errors import InputError
from ctt_net.yaml_file import dump_yaml

if TYPE_CHECKING:
    import pandas as pd

_LINK = "raw"


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
    return parser


def run_recipe(
    options: argparse.Namespace,
    complete: "Callable[[argparse.Namespace], tuple[Mapping[str, Any], pd.DataFrame | None]]",
) -> int:
    """Complete the mapping, then do what `ctt-net prepare` does.

    Args:
        options: Of a `recipe_parser`.
        complete: Gives the mapping, with paths relative to RAW, and None or a table to be read in
            place of its `table.file`: what `intake.read_table` made of that file, with changes;
            indexed by its rows, so that errors name those.

    Returns:
        Exit code: 0 done, 2 the input is wrong.
    """
    raw = str(options.raw)
    with tempfile.TemporaryDirectory(prefix="recipe-") as place:
        try:
            mapping, table = complete(options)
            folder = options.raw if table is None else Path(place)
            if table is not None:
                mapping = _with_table(Path(place), mapping, table, options.raw)
            path = Path(place) / "mapping.yaml"
            path.write_text(dump_yaml(dict(mapping)), encoding="utf-8")
            return prepare.run(_as_prepare(path, folder, options))
        except InputError as error:
            message = str(error).replace(str(Path(place) / "mapping.yaml"), "the recipe's mapping")
            message = message.replace(str(Path(place) / _LINK), raw).replace(place, raw)
            print(f"error: {message}", file=sys.stderr)
            return WRONG_INPUT


def _as_prepare(mapping: Path, raw: Path, options: argparse.Namespace) -> argparse.Namespace:
    """The options as `ctt-net prepare` would have read them, whatever others it has."""
    parser = argparse.ArgumentParser()
    prepare.add(parser.add_subparsers())
    flags = ["--replace"] if options.replace else []
    flags += ["--tables-only"] if options.tables_only else []
    return parser.parse_args(
        ["prepare", f"--raw={raw}", *flags, "--", str(mapping), str(options.out)]
    )


def _with_table(
    place: Path, mapping: Mapping[str, Any], table: "pd.DataFrame", raw: Path
) -> dict[str, Any]:
    """Put the table and a link to the raw folder side by side, so that no path leads elsewhere."""
    name = PurePosixPath(mapping["table"]["file"]).stem + ".csv"
    with (place / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table.columns)
        filled = dict(zip(table.index, table.to_numpy().tolist(), strict=True))
        for number in range(2, 1 + max(filled, default=1)):
            writer.writerow(filled.get(number, []))
    try:
        (place / _LINK).symlink_to(raw.resolve(), target_is_directory=True)
    except OSError as error:  # Windows asks for its developer mode
        raise InputError(f"{raw}: no link to it can be made here: {error.strerror}") from None
    source = {"file": name, "one_row_per": mapping["table"].get("one_row_per", "eye")}
    changed = {**mapping, "table": source}
    if "scans" in mapping:
        folder = PurePosixPath(_LINK) / mapping["scans"]["folder"]
        changed["scans"] = {**mapping["scans"], "folder": folder.as_posix()}
    return changed
