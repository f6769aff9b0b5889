"""OLIVES, PRIME and TREX-DME: `python datasets/olives/prepare.py RAW OUT`.

RAW holds `prime_trex_compressed.csv` and, unless `--tables-only`, the folders `Prime_FULL` and
`TREX DME`. See README.md beside this file. Research use only. Not a medical device.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pandas as pd

from ctt_net.cli.recipe import recipe_parser, run_recipe
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import read_yaml_mapping
from ctt_net.prepare.mapping.table_source import TableSource
from ctt_net.prepare.tables.read_table import read_table

MAPPING = Path(__file__).resolve().with_name("mapping.yaml")
BSCANS_OF_A_VOLUME = 49
# A name may hold other numbers before that of the B-scan: TREXA_000004_000028.tif is the 28th.
PATH = re.compile(
    r"/(?:Prime_FULL/[^/]+/W[0-9]+|TREX DME/[^/]+/[^/]+/V[0-9]+)/(?:OD|OS)/"
    r"(?:[^/]*[^/0-9])?(?P<number>[0-9]+)\.(?i:tiff?|png|jpe?g)"
)


def complete(options: argparse.Namespace) -> tuple[dict[str, Any], pd.DataFrame | None]:
    """The mapping, and unless `--tables-only` the table with the column `central`."""
    mapping = read_yaml_mapping(MAPPING)
    mapping["table"]["file"] = options.table
    path, table = read_table(TableSource.parse(mapping["table"], "table"), options.raw)
    if "File_Path" not in table:
        raise InputError(
            f"{path}: no column 'File_Path' (there are: {', '.join(map(str, table.columns))})"
        )
    wrong = table.index[~table["File_Path"].str.fullmatch(PATH)]
    if len(wrong):
        raise InputError(
            f"{path}, row {wrong[0]}, column File_Path: {table['File_Path'][wrong[0]]!r} is not "
            f"/Prime_FULL/PATIENT/Wn/OD/n.tif or /TREX DME/ARM/PATIENT/Vn/OD/NAME.tif; give the "
            f"table as published"
        )
    if not table["File_Path"].str.contains(r"/W[1-9]", regex=True).any():
        del mapping["columns"]["followup_days"]  # TREX-DME alone: no path tells a week
    if options.tables_only:
        return mapping, None
    mapping["scans"] = {"folder": ".", "columns": {"horizontal": "central"}}
    mapping["require"] = [*mapping["require"], "any_view"]
    return mapping, table.assign(central=central_bscans(table["File_Path"]))


def central_bscans(paths: pd.Series) -> pd.Series:
    """For every row the middle B-scan of its volume, below RAW; blank unless all 49 are listed."""
    number = paths.str.extract(PATH, expand=False).astype(int)
    listed = pd.DataFrame({"folder": paths.str.rsplit("/", n=1).str[0], "number": number})
    listed["path"] = paths.str.lstrip("/")
    central = {}
    for folder, volume in listed.groupby("folder"):
        first = volume["number"].min()
        if set(volume["number"]) == set(range(first, first + BSCANS_OF_A_VOLUME)):
            middle = volume["number"] == first + BSCANS_OF_A_VOLUME // 2
            central[folder] = volume["path"][middle].max()  # .tif before its .png twin
    return listed["folder"].map(central).fillna("").astype(object)


def main(argv: Sequence[str] | None = None) -> int:
    parser = recipe_parser("Turn the OLIVES label table into a cohort: first visit, last visit.")
    parser.add_argument(
        "--table", default="prime_trex_compressed.csv", help="name in RAW (default: %(default)s)"
    )
    return run_recipe(parser.parse_args(argv), complete)


if __name__ == "__main__":
    sys.exit(main())
