"""Macular holes of the CHU de Québec: `python datasets/chu_quebec/prepare.py RAW OUT`.

RAW holds `{train,val,test,others}/clinical_data.csv` and `octs/`. Writes `cohort.yaml`,
`manifest.csv`, `folds.csv`, copies of the preoperative scans and `flow.csv`, which counts the eyes
in and out. See README.md beside this file. Research use only. Not a medical device.
"""

import argparse
import io
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pandas as pd

from ctt_net.acuity import parse_va
from ctt_net.cli.prepare import print_flow
from ctt_net.cohort import AcuityColumns, CohortSpec, Covariate, View, write_cohort
from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.errors import InputError
from ctt_net.imaging import BScan, read_bscan
from ctt_net.io.atomic_folder import new_folder

SPLITS = ("train", "val", "test", "others")
FOLLOWUP_DAYS = {"2weeks": 14, "3months": 91, "6months": 183, "12months": 365}
COVARIATES = {  # our name: (theirs, what it is)
    "age_years": ("age", Covariate(kind="numeric", unit="years", missing=("-9",))),
    "sex": ("sex", Covariate(kind="categorical", levels=("1", "2"), missing=("-9",))),
    "pseudophakic": ("pseudophakic", Covariate(kind="binary", missing=("-9",))),
    "mh_duration": ("mh_duration", Covariate(kind="numeric", missing=("-9",))),
    "elevated_edge": ("elevated_edge", Covariate(kind="binary", missing=("-9",))),
    "mh_size_um": ("mh_size", Covariate(kind="numeric", unit="um", missing=("-9",))),
}
VIEWS = {
    "horizontal": ("H", View(direction="horizontal", angle_deg=0.0)),
    "vertical": ("V", View(direction="vertical", angle_deg=90.0)),
}
ZERO_LETTERS = {"missing": "", "off-chart": "CF", "as-read": "0"}
ZERO_IN_WORDS = {"missing": "unknown", "off-chart": "counting fingers", "as-read": "0 letters"}
SIDES_FILE = Path(__file__).resolve().with_name("sides.csv")


def side_from_mark(bscan: BScan) -> str | None:
    """Laterality from the scan-direction mark in a horizontal scan; None without a clear one.

    The mark names the ends of the line: temporal to nasal, left to right, is a right eye.
    """
    return {"TN": "OD", "NT": "OS"}.get(bscan.ends or "")


def read_sides(path: Path) -> dict[tuple[str, str], str]:
    """Sides of eyes whose picture bears no mark, by split and id.

    Raises:
        InputError: If the table is not `split,id,laterality`, or a row names no eye or no side.
    """
    table = read_manifest_text(path).map(str.strip)
    absent = [name for name in ("split", "id", "laterality") if name not in table]
    if absent:
        raise InputError(f"{path}: the column {absent[0]!r} is missing; write split,id,laterality")
    for column, words in (("split", SPLITS), ("laterality", ("OD", "OS"))):
        wrong = table[column][~table[column].isin(words)]
        if len(wrong):
            raise InputError(
                f"{path}, row {wrong.index[0]}, column {column}: must be one of "
                f"{', '.join(words)}, got {wrong.iloc[0]!r}"
            )
    twice = table.index[table.duplicated(["split", "id"])]
    if len(twice):
        raise InputError(f"{path}, row {twice[0]}: that eye stands twice; keep one")
    eyes = zip(table["split"], table["id"], strict=True)
    return dict(zip(eyes, table["laterality"], strict=True))


def read_split(raw: Path, split: str, followup: str) -> pd.DataFrame:
    """One published table as text, refused if it is not what the recipe was written for."""
    path = raw / split / "clinical_data.csv"
    table = read_manifest_text(path)
    wanted = ["id", "VA_baseline", f"VA_{followup}", *(name for name, _ in COVARIATES.values())]
    absent = [name for name in wanted if name not in table]
    if absent:
        raise InputError(
            f"{path}: the column {absent[0]!r} is missing (there are: {', '.join(table.columns)}); "
            f"this recipe reads the tables as published"
        )
    table = table.map(str.strip)
    for row, eye in table["id"].items():
        if not re.fullmatch(r"[0-9A-Za-z]+", eye):
            raise InputError(f"{path}, row {row}, column id: {eye!r} is no id; correct it")
    if table["id"].duplicated().any():
        row = table.index[table["id"].duplicated()][0]
        raise InputError(f"{path}, row {row}: id {table['id'][row]!r} stands twice; keep one")
    return table


class Recipe:
    """Collects the rows of the cohort, and counts every eye in and out.

    Args:
        raw: Published folder.
        out: Folder to fill.
        followup: Time of the acuity to predict, key of `FOLLOWUP_DAYS`.
        zero: What an acuity of 0 letters counts as, key of `ZERO_LETTERS`.
        sides: Side of eyes without a mark, by split and id.
    """

    def __init__(
        self,
        raw: Path,
        out: Path,
        followup: str,
        zero: str,
        sides: Mapping[tuple[str, str], str],
    ) -> None:
        self.raw, self.out, self.followup, self.zero = raw, out, followup, zero
        self.rows: list[dict[str, Any]] = []
        self.flow: list[tuple[str, str, int, str]] = []
        self.sides = sides
        self.seen: dict[str, set[str]] = {}

    def add_split(self, split: str) -> None:
        """Take one split's eyes, copy their scans, and write down its flow."""
        found: dict[str, list[str]] = defaultdict(list)
        table = read_split(self.raw, split, self.followup)
        self.seen[split] = set(table["id"])
        for number, cells in table.iterrows():
            try:
                self._add_eye(split, cells, found)
            except InputError as error:
                place = self.raw / split / "clinical_data.csv"
                raise InputError(f"{place}, row {number}: {error}") from None
        out = {step: ids for step, ids in found.items() if step.startswith("left out")}
        remain = len(table) - sum(map(len, out.values()))
        self.flow.append((split, "in the table", len(table), ""))
        self.flow += [(split, step, len(ids), "; ".join(ids)) for step, ids in out.items()]
        self.flow.append((split, "in the cohort", remain, ""))
        self.flow += [(split, step, len(found[step]), "") for step in found if step not in out]

    def _add_eye(self, split: str, cells: pd.Series, found: dict[str, list[str]]) -> None:
        before, after = cells["VA_baseline"], cells[f"VA_{self.followup}"]
        if self._acuity(after) == "":
            why = "is 0, unexplained" if after == "0" else "is missing"
            found[f"left out: acuity at {self.followup} {why}"].append(cells["id"])
            return
        octs = self.raw / split / "octs"
        files = {
            name: octs / f"{cells['id']}_baseline_{end}.tiff" for name, (end, _) in VIEWS.items()
        }
        files = {name: file for name, file in files.items() if file.is_file()}
        if not files:
            found["left out: no preoperative scan"].append(cells["id"])
            return
        # A damaged scan stops here, with its name.
        scans = {name: read_bscan(file) for name, file in files.items()}
        marked = side_from_mark(scans["horizontal"]) if "horizontal" in scans else None
        side = marked or self.sides.get((split, cells["id"]))
        if side is None:
            why = "no mark says which eye it is (say it with --sides)"
            found[f"left out: {why}"].append(cells["id"])
            return
        for fact, holds in (
            ("side from a table of sides", marked is None),
            ("one view only", len(files) == 1),
            ("acuity before surgery unknown", self._acuity(before) == ""),
            (f"an acuity of 0 taken for {ZERO_IN_WORDS[self.zero]}", "0" in (before, after)),
        ):
            if holds:
                found[f"of these: {fact}"].append(cells["id"])
        eye = f"{split}_{cells['id']}"
        self.rows.append(
            {
                "eye_id": eye,
                "patient_id": eye,
                "laterality": side,
                "laterality_from": "mark" if marked else "sides.csv",
                "preop_va": self._acuity(before),
                "postop_va": self._acuity(after),
                **{name: self._copy(file, f"{eye}_{name}") for name, file in files.items()},
                # `val` would take its eyes out of the folds, and there are few.
                "split": "" if split in ("others", "val") else split,
                "site": "chu_quebec",
                "device": "cirrus",
                "followup_days": FOLLOWUP_DAYS[self.followup],
                **{name: cells[theirs] for name, (theirs, _) in COVARIATES.items()},
            }
        )

    def _acuity(self, text: str) -> str:
        if text in ("", "-9"):
            return ""
        if text == "0":
            return ZERO_LETTERS[self.zero]
        return parse_va(text, "etdrs").text

    def _copy(self, file: Path, name: str) -> str:
        target = self.out / "images" / f"{name}.tiff"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        return f"images/{name}.tiff"

    def spec(self) -> CohortSpec:
        """The declarations of what was collected."""
        present = [name for name in VIEWS if any(name in row for row in self.rows)]
        return CohortSpec(
            name=f"chu_quebec_macular_hole_{self.followup}",
            source="CHU de Québec - Université Laval, macular-hole surgery 2014-2018; Kaggle "
            "mathieugodbout/oct-postsurgery-visual-improvement",
            licence="LGPL-3.0 according to one catalogue, not confirmed; do not redistribute",
            citation="Lachance et al., Transl Vis Sci Technol 2022;11(4):6, 10.1167/tvst.11.4.6",
            acuity=AcuityColumns(preop_va="etdrs", postop_va="etdrs"),
            views={name: VIEWS[name][1] for name in present},
            covariates={name: covariate for name, (_, covariate) in COVARIATES.items()},
        )

    def write(self) -> None:
        """Write the tables beside the scans that were copied."""
        if not self.rows:
            raise InputError(
                f"{self.raw}: no eye is left\n{self.flow_table().to_string(index=False)}"
            )
        write_cohort(self.out, self.spec(), self.rows)
        text = io.StringIO()
        self.flow_table().to_csv(text, index=False, lineterminator="\n")
        (self.out / "flow.csv").write_text(text.getvalue(), encoding="utf-8", newline="\n")

    def flow_table(self) -> pd.DataFrame:
        """Eyes in and out of each split: columns split, step, eyes, ids."""
        return pd.DataFrame(self.flow, columns=["split", "step", "eyes", "ids"])


def prepare(
    raw: Path,
    out: Path,
    followup: str,
    zero: str,
    splits: Sequence[str] | None,
    sides: Path | None = None,
) -> pd.DataFrame:
    """Build the cohort beside `out`, then rename it: there is all of it or nothing.

    Returns:
        The flow of eyes.
    """
    present = [name for name in SPLITS if (raw / name / "clinical_data.csv").is_file()]
    if not present:
        raise InputError(
            f"{raw}: no {{train,val,test,others}}/clinical_data.csv in it; give the folder that "
            f"holds the published splits"
        )
    absent = [name for name in splits or () if name not in present]
    if absent:
        raise InputError(f"{raw}: there is no {absent[0]}/clinical_data.csv; leave that split out")
    given = read_sides(sides) if sides is not None else {}
    with new_folder(out) as folder:
        recipe = Recipe(raw, folder, followup, zero, read_sides(SIDES_FILE) | given)
        for split in dict.fromkeys(splits or present):
            recipe.add_split(split)
        strange = [
            eye for eye in given if eye[0] in recipe.seen and eye[1] not in recipe.seen[eye[0]]
        ]
        if strange:
            split, eye = strange[0]
            raise InputError(f"{sides}: {split}, id {eye!r}: no such eye in that table; correct it")
        recipe.write()
    return recipe.flow_table()


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Turn the published macular-hole eyes into a cohort folder.",
        epilog="Research use only. Not a medical device.",
    )
    parser.add_argument("raw", type=Path, metavar="RAW", help="folder with train/, val/, ...")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to make; must not exist")
    parser.add_argument("--followup", choices=FOLLOWUP_DAYS, default="6months")
    parser.add_argument(
        "--zero",
        choices=ZERO_LETTERS,
        default="missing",
        help="what an unexplained acuity of 0 letters counts as (default: missing; see README.md)",
    )
    parser.add_argument(
        "--sides",
        type=Path,
        metavar="FILE",
        help="CSV split,id,laterality: eyes whose scan bears no mark, beside those of sides.csv",
    )
    parser.add_argument("--splits", nargs="+", choices=SPLITS, help="default: all there are")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = read_arguments(argv)
    try:
        flow = prepare(
            *(arguments.raw, arguments.out, arguments.followup, arguments.zero),
            *(arguments.splits, arguments.sides),
        )
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    steps = flow.assign(step=flow["split"] + ": " + flow["step"])
    print_flow(steps.drop(columns="split"), arguments.out)
    total = int(flow["eyes"][flow["step"] == "in the cohort"].sum())
    print(f"{arguments.out}: {total} eyes, acuity {arguments.followup} after surgery")
    return 0


if __name__ == "__main__":
    sys.exit(main())
