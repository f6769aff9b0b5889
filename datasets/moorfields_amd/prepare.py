"""Moorfields AMD baseline: `python datasets/moorfields_amd/prepare.py RAW OUT`.

RAW holds `AMD_baseline.csv`. A table without pictures and without an outcome; see README.md beside
this file. Research use only. Not a medical device.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ctt_net.cli.recipe import recipe_parser, run_recipe
from ctt_net.io.yaml_file import read_yaml_mapping
from ctt_net.prepare.mapping.table_source import TableSource
from ctt_net.prepare.tables.read_table import read_table

MAPPING = Path(__file__).resolve().with_name("mapping.yaml")
TREATED = "First_or_Second_Treated_Eye"


def complete(options: argparse.Namespace) -> tuple[dict[str, Any], None]:
    """The mapping, and the patients whose 0 letters have no reason, left out by their id."""
    mapping = read_yaml_mapping(MAPPING)
    mapping["table"]["file"] = options.table
    _, table = read_table(TableSource.parse(mapping["table"], "table"), options.raw)
    if {"ID", "VA_ETDRS", "VAUnder1Letter"} <= set(table):  # else the engine names the absent one
        unexplained = (table["VA_ETDRS"] == "0") & (table["VAUnder1Letter"] == "")
        line = {"reason": "0 letters without a reason (CF, HM)", "column": "ID"}
        if unexplained.any():
            mapping["exclude"].append({**line, "is": table["ID"][unexplained].to_list()})
    if TREATED in table:
        second = int((table[TREATED].str.lower() == "second").sum())
        mapping["remarks"] = [
            ("rows marked Second: fellow eyes whose patient cannot be told", second, "rows")
        ]
        if options.first_eyes_only:
            line = {"reason": "second treated eye", "column": TREATED}
            mapping["exclude"].append({**line, "is": ["Second", "second"]})
    return mapping, None


def main(argv: Sequence[str] | None = None) -> int:
    parser = recipe_parser("Turn the Moorfields AMD baseline table into a cohort folder.")
    parser.add_argument(
        "--table", default="AMD_baseline.csv", help="name in RAW (default: %(default)s)"
    )
    parser.add_argument(
        "--first-eyes-only",
        action="store_true",
        help="leave out second treated eyes: each has an id of its own, not that of its patient",
    )
    return run_recipe(parser.parse_args(argv), complete)


if __name__ == "__main__":
    sys.exit(main())
