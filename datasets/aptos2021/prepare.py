"""APTOS 2021: `python datasets/aptos2021/prepare.py RAW OUT --round round1|final`.

RAW holds the table of that round and, unless `--tables-only`, its pictures anywhere below. The two
rounds write acuity in different notations and are never mixed. See README.md beside this file.
Research use only. Not a medical device.
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

FOLDER = Path(__file__).resolve().parent
ONLY_IN_ROUND1 = ("preIRF", "preSRF", "prePED", "preHRF")
LEVELS_FROM_TABLE = {"sex": "gender", "diagnosis": "diagnosis", "drug": "anti-VEGF"}
BEFORE = "Pre Injection OCT Images"
# logMAR was noted to two decimals; 0.670000017 is a decimal acuity that passed through float32.
FLOAT32_TEXT = re.compile(r"0\.[0-9]{6,}")


def complete(options: argparse.Namespace) -> tuple[dict[str, Any], pd.DataFrame | None]:
    """The round's mapping with the levels that the table tells, and for `final` the pictures."""
    mapping = read_yaml_mapping(FOLDER / f"mapping_{options.round}.yaml")
    mapping["table"]["file"] = options.table or mapping["table"]["file"]
    path, table = read_table(TableSource.parse(mapping["table"], "table"), options.raw)
    check_same_round(table, options.round, path)
    if options.round == "final" and "anti-VEGF" in table:
        table["anti-VEGF"] = table["anti-VEGF"].replace("Ozrudex", "Ozurdex")
    for name, column in LEVELS_FROM_TABLE.items():
        if column in table:
            levels = sorted(set(table[column]) - {""})
            mapping["covariates"][name] = {
                "column": column,
                "kind": "categorical",
                "levels": levels,
            }
    ids = table["patient ID"]
    no_side = sorted(set(ids[~ids.str.contains("[LR]$")]) - {""})
    if no_side:
        line = {"reason": "the id does not say which eye", "column": "patient ID", "is": no_side}
        mapping["exclude"] = [line]
    if options.round == "round1":
        return mapping, None
    if options.tables_only:
        return mapping, table.assign(picture="")
    if options.pick is None:
        raise InputError(
            f"{options.raw}: nothing says which of an eye's pictures is the central one; say "
            f"--pick middle (the middle one by the numbers in the names), or --tables-only"
        )
    return mapping, table.assign(picture=middle_pictures(table["patient ID"], options.raw))


def check_same_round(table: pd.DataFrame, wanted: str, path: Path) -> None:
    """Stop where columns or values are those of the other round.

    Raises:
        InputError: Saying what gives it away.
    """
    absent = [name for name in ("patient ID", "preVA", "VA") if name not in table]
    if absent:
        raise InputError(
            f"{path}: no column {absent[0]!r} (there are: "
            f"{', '.join(map(str, table.columns))}); give the table of cases as published, not the "
            f"one of pictures"
        )
    found = [name for name in ONLY_IN_ROUND1 if name in table]
    if wanted == "final" and found:
        raise InputError(
            f"{path}: has the column {found[0]!r}, so it is the table of round 1, whose acuity is "
            f"logMAR; say --round round1"
        )
    if wanted == "round1" and not found:
        raise InputError(
            f"{path}: has no column {ONLY_IN_ROUND1[0]!r}, so it is the table of the final round, "
            f"whose acuity is decimal; say --round final"
        )
    for column in ("preVA", "VA"):
        cells = table[column]
        if wanted == "round1":
            bad = cells.str.fullmatch(FLOAT32_TEXT) | (cells == "NLP")
            kind = "decimal acuity of the final round"
        else:
            numbers = pd.to_numeric(cells, errors="coerce")
            bad = (numbers <= 0) | (numbers >= 2)
            kind = "logMAR of round 1"
        if bad.any():
            row = table.index[bad][0]
            raise InputError(
                f"{path}, row {row}, column {column}: {cells[row]!r} looks like {kind}; the "
                f"rounds must not be mixed, give each its own table"
            )


def middle_pictures(eyes: pd.Series, raw: Path) -> pd.Series:
    """The middle picture before treatment of every eye, below RAW; blank if there is none."""
    folders = {place.parent.name: place for place in sorted(raw.rglob(BEFORE)) if place.is_dir()}
    middle = {}
    for eye in eyes.unique():
        pictures = sorted(folders[eye].glob("*.jpg"), key=_natural) if eye in folders else []
        if pictures:
            middle[eye] = pictures[(len(pictures) - 1) // 2].relative_to(raw).as_posix()
    return eyes.map(middle).fillna("").astype(object)


def _natural(path: Path) -> tuple[list[int], str]:
    """Numbers in a name count as numbers: `9` before `12 (3)`."""
    return [int(digits) for digits in re.findall("[0-9]+", path.stem)], path.name


def main(argv: Sequence[str] | None = None) -> int:
    parser = recipe_parser("Turn one round of APTOS 2021 into a cohort folder.")
    parser.add_argument("--round", choices=("round1", "final"), required=True)
    parser.add_argument("--table", help="its name in RAW, if it is not the published one")
    parser.add_argument(
        "--pick", choices=("middle",), help="final round: which of an eye's pictures is taken"
    )
    return run_recipe(parser.parse_args(argv), complete)


if __name__ == "__main__":
    sys.exit(main())
