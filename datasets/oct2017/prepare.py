"""Index of OCT2017 for pretraining: `python datasets/oct2017/prepare.py RAW OUT`.

RAW holds `train/`, `val/` and `test/` with one folder per class. Writes `scans.csv` (path below
RAW, patient, diagnosis, split) and `flow.csv`; copies no picture. No cohort: there is no visual
acuity here, and no file says which eye it shows. See README.md beside this file. Research use only.
Not a medical device.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pandas as pd

from ctt_net.cli.command import DONE, WRONG_INPUT
from ctt_net.errors import InputError
from ctt_net.io.atomic_folder import new_folder

CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")
# A patient of two published parts belongs to the one named first: nobody of `test` is trained on.
PARTS = ("test", "val", "train")
NAME = re.compile(r"(?P<diagnosis>[A-Z]+)-(?P<patient>[0-9]+)-(?P<number>[0-9]+)\.jpe?g")


def published_folder(raw: Path) -> Path:
    """The folder that holds the parts: RAW itself, or `OCT2017` in it.

    Raises:
        InputError: If neither does.
    """
    for folder in (raw, raw / "OCT2017"):
        if any((folder / part).is_dir() for part in PARTS):
            return folder
    raise InputError(
        f"{raw}: holds no train, val or test folder; give the folder that the archive unpacks to"
    )


def read_scans(folder: Path) -> pd.DataFrame:
    """One row per picture: path, patient_id, diagnosis, published_split.

    Raises:
        InputError: If a picture's name is not `CLASS-PATIENT-NUMBER.jpeg`, lies in the folder of
            another class, or there is none.
    """
    rows = []
    for path in sorted(folder.glob("*/*/*")):
        part, diagnosis = path.parts[-3:-1]
        if part not in PARTS or path.name.startswith(".") or not path.is_file():
            continue  # archives made on a Mac hold .DS_Store and ._ files
        match = NAME.fullmatch(path.name)
        if match is None or diagnosis not in CLASSES:
            raise InputError(
                f"{path}: expected CLASS/CLASS-PATIENT-NUMBER.jpeg with one of "
                f"{', '.join(CLASSES)}; take it out, or give the folder as published"
            )
        if match["diagnosis"] != diagnosis:
            raise InputError(
                f"{path}: the name says {match['diagnosis']}, the folder {diagnosis}; unpack again"
            )
        # One number under two classes may or may not be one person; as one person nobody can
        # stand on both sides of a split.
        place = path.relative_to(folder.parent if folder.name == "OCT2017" else folder)
        rows.append((place.as_posix(), match["patient"], diagnosis, part))
    if not rows:
        raise InputError(f"{folder}: no picture in {{train,val,test}}/{{{','.join(CLASSES)}}}")
    return pd.DataFrame(rows, columns=["path", "patient_id", "diagnosis", "published_split"])


def split_by_patient(scans: pd.DataFrame) -> pd.Series:
    """The split of each scan, such that no patient is in two."""
    rank = scans["published_split"].map(PARTS.index)
    return rank.groupby(scans["patient_id"]).transform("min").map(dict(enumerate(PARTS)))


def flow_of(scans: pd.DataFrame) -> pd.DataFrame:
    """Pictures in and out of each split, and what moved: columns step, count, unit."""
    steps = [("pictures found", len(scans), "pictures")]
    for part in PARTS[::-1]:
        inside = scans["split"] == part
        moved = inside & (scans["published_split"] != part)
        steps.append((f"in split {part}", int(inside.sum()), "pictures"))
        steps.append((f"of these moved to {part} with their patient", int(moved.sum()), "pictures"))
    steps.append(("patients", scans["patient_id"].nunique(), "patients"))
    classes = scans.groupby("patient_id")["diagnosis"].nunique()
    steps.append(("numbers under more than one class", int((classes > 1).sum()), "patients"))
    return pd.DataFrame(steps, columns=["step", "count", "unit"])


def prepare(raw: Path, out: Path, replace: bool) -> pd.DataFrame:
    """Write the index and hand back its flow."""
    scans = read_scans(published_folder(raw))
    scans["split"] = split_by_patient(scans)
    flow = flow_of(scans)
    with new_folder(out, replace=replace) as folder:
        scans.to_csv(folder / "scans.csv", index=False, lineterminator="\n")
        flow.to_csv(folder / "flow.csv", index=False, lineterminator="\n")
    return flow


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Index the OCT2017 pictures for pretraining, split by patient.",
        epilog="Research use only. Not a medical device.",
    )
    parser.add_argument("raw", type=Path, metavar="RAW", help="folder with train/, val/, test/")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to make")
    parser.add_argument("--replace", action="store_true", help="take the place of OUT")
    arguments = parser.parse_args(argv)
    try:
        flow = prepare(arguments.raw, arguments.out, arguments.replace)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_INPUT
    print(flow.to_string(index=False))
    return DONE


if __name__ == "__main__":
    sys.exit(main())
