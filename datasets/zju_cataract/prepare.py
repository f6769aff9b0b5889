"""Hospital table of the published CTT-Net: `prepare.py RAW OUT --eye-column LETTER`.

RAW holds the table (CSV) and a folder of pictures per patient. See README.md beside this file for
the layout and for what the published code makes of it. Research use only. Not a medical device.
"""

import argparse
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
from ctt_net.prepare.tables.grid import letters
from ctt_net.prepare.tables.read_table import read_table

MAPPING = Path(__file__).resolve().with_name("mapping.yaml")
COLUMNS = 16
EYE_WORDS = {"OD": ["OD", "R", "右", "右眼"], "OS": ["OS", "L", "左", "左眼"]}
SUFFIXES = {"": ".tif", "海德堡": ".tif", "蔡司": ".tiff", "科林": ".jpg"}
VIEWS = ("横扫", "纵扫")


def complete(options: argparse.Namespace) -> tuple[dict[str, Any], pd.DataFrame]:
    """The mapping with the eye's column, and the table under letters with what it implies."""
    mapping = read_yaml_mapping(MAPPING)
    mapping["table"]["file"] = options.table
    source = TableSource(file=options.table, encoding=options.encoding)
    path, table = read_table(source, options.raw)
    if table.shape[1] < COLUMNS:
        raise InputError(
            f"{path}: {table.shape[1]} columns; the layout has {COLUMNS}, the last of "
            f"them the maker after surgery"
        )
    table.columns = pd.Index([letters(position) for position in range(table.shape[1])])
    if options.eye_column not in table:
        raise InputError(
            f"{path}: no column {options.eye_column!r} for --eye-column; name it by its letter, "
            f"A to {table.columns[-1]}"
        )
    mapping["columns"]["laterality"] = {"column": options.eye_column, **EYE_WORDS}
    mapping["exclude"] = []
    _settle_blank_ids(table, options.blank_id, mapping, path)
    for name, part in (("preop_name", "H"), ("postop_name", "M")):
        table[name] = table[["B", "C", part, "F"]].agg("_".join, axis=1)
    same = (table["H"] == table["M"]) & (table["H"] != "")
    table["same_picture"] = same.map({True: "yes", False: ""})
    mapping["exclude"].append(
        {
            "reason": "the same picture is named before and after surgery",
            "column": "same_picture",
            "is": ["yes"],
        }
    )
    mapping["scans"]["folder"] = options.scans
    if options.as_published:
        _select_as_published(table, options.raw / options.scans, mapping)
    return mapping, table


def _settle_blank_ids(
    table: pd.DataFrame, settle: str | None, mapping: dict[str, Any], path: Path
) -> None:
    """Rows without a folder id: never anybody's acuity by being below it."""
    blank = table["A"] == ""
    if not blank.any():
        return
    if settle is None:
        raise InputError(
            f"{path}, row {table.index[blank][0]}, column A: blank, in {blank.sum()} rows. The "
            f"published code gives such a row the id, acuity, device and picture before surgery of "
            f"the row above, whoever that is. Fill the ids in, or say --blank-id leave-out, or "
            f"--blank-id same-patient (id and name from above, all else as it stands)"
        )
    if settle == "leave-out":
        line = {"reason": "no folder id", "column": "A", "missing": True}
        mapping["exclude"].append(line)
        return
    if blank.iloc[0]:
        raise InputError(f"{path}, row {table.index[0]}, column A: blank, and no row is above it")
    above = table["B"].where(~blank, None).ffill()
    stranger = blank & (table["B"] != "") & (table["B"] != above)
    if stranger.any():
        raise InputError(
            f"{path}, row {table.index[stranger][0]}, column B: another name than that of the last "
            f"row with an id, so it is not the same patient; fill in column A"
        )
    for column in ("A", "B"):
        filled = table[column].where(~blank | (table[column] != ""), None).ffill()
        table[column] = filled.fillna("").astype(object)


def _select_as_published(table: pd.DataFrame, scans: Path, mapping: dict[str, Any]) -> None:
    """Only eyes with all four pictures, on one maker's device before and after surgery."""
    table["one_maker"] = (table["K"] == table["P"]).map({True: "yes", False: ""})
    table["all_pictures"] = ["yes" if _has_all(row, scans) else "" for _, row in table.iterrows()]
    mapping["exclude"] += [
        {"reason": "acuity before surgery unknown", "column": "J", "missing": True},
        {"reason": "another maker after surgery", "column": "one_maker", "missing": True},
        {
            "reason": "not all four pictures before and after surgery",
            "column": "all_pictures",
            "missing": True,
        },
    ]
    mapping["acuity"] = {"off_chart_policy": "cttnet_ref"}
    mapping["require"] = ["preop_va", "postop_va", "all_views"]


def _has_all(row: pd.Series, scans: Path) -> bool:
    suffix = SUFFIXES.get(row["K"])
    return suffix is not None and all(
        (scans / row["A"] / f"{row[name]}_{view}_{row['K']}{suffix}").is_file()
        for name in ("preop_name", "postop_name")
        for view in VIEWS
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = recipe_parser("Turn a hospital table in the layout of CTT-Net into a cohort folder.")
    parser.add_argument(
        "--eye-column",
        required=True,
        metavar="LETTER",
        help="column that says which eye was operated; the layout does not",
    )
    parser.add_argument("--table", default="eyes.csv", help="name in RAW (default: %(default)s)")
    parser.add_argument("--encoding", default="utf-8-sig", help="of the table, such as gb18030")
    parser.add_argument(
        "--scans", default=".", metavar="FOLDER", help="in RAW, with a folder per id (default: RAW)"
    )
    parser.add_argument(
        "--blank-id",
        choices=("leave-out", "same-patient"),
        help="what a row without a folder id is (default: a reason to stop)",
    )
    parser.add_argument(
        "--as-published",
        action="store_true",
        help="take only eyes with all four pictures by one maker, and every word as 0.01",
    )
    return run_recipe(parser.parse_args(argv), complete)


if __name__ == "__main__":
    sys.exit(main())
