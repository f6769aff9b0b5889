"""`ctt-net deidentify`: a cohort folder that can leave the hospital."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, add_command
from ctt_net.errors import count_of

if TYPE_CHECKING:
    from ctt_net.deidentify import Deidentified


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "deidentify",
        "make a de-identified copy of a cohort folder, to share",
        run,
        ["ctt-net deidentify data/my_cohort export/my_cohort --key ~/keys/my_cohort.key"],
    )
    parser.add_argument("cohort", type=Path, help="cohort folder")
    parser.add_argument("out", type=Path, help="folder to make")
    parser.add_argument(
        "--key",
        type=Path,
        required=True,
        help="secret that makes the codes, kept outside both folders; made if there is none. The "
        "same key gives the same codes in a later export",
    )
    parser.add_argument("--name", help="name of the new cohort (default: deidentified)")
    parser.add_argument("--source", help="what the new cohort says of its origin")
    parser.add_argument(
        "--review",
        type=Path,
        metavar="FOLDER",
        help="pages with all scans to review, which stay here (default: OUT_review)",
    )


def run(options: argparse.Namespace) -> int:
    """De-identify, and say what was done and what people must still do."""
    from ctt_net.deidentify import deidentify

    done = deidentify(
        options.cohort, options.out, options.key, options.name, options.source, options.review
    )
    if done.key.warning:
        print(f"warning: {done.key.warning}", file=sys.stderr)
    print("\n".join(_lines(done, options.key)))
    return DONE


def _lines(done: "Deidentified", key_file: Path) -> Iterator[str]:
    rows = done.rows
    patients = rows.table["patient_id"].nunique()
    yield (
        f"{count_of(len(rows.table), 'eye')} of {count_of(patients, 'patient')}, "
        f"{count_of(len(done.scans), 'scan')}"
    )
    found = Counter(kind.replace("_", " ") for scan in done.scans for kind in scan.overlays)
    kinds = ", ".join(f"{kind} {count}" for kind, count in found.most_common())
    yield f"removed from scans: {kinds or 'nothing found'}"
    unstable = sum(not scan.stable for scan in done.scans)
    if unstable:
        yield f"{unstable} scans change when read again; they come first on the review pages"
    yield f"dates shifted: {', '.join(rows.date_columns) or 'none'}"
    if rows.age_columns:
        over = count_of(rows.eyes_over_age, "eye")
        yield f"ages over 89 merged: {', '.join(rows.age_columns)} ({over})"
    if rows.devices_coded:
        yield (
            f"{rows.devices_coded} device names became codes; declare a model under devices in "
            f"cohort.yaml to keep its name"
        )
    if done.columns_left_out:
        yield f"columns left out, not declared: {', '.join(done.columns_left_out)}"
    if done.files_left_behind:
        yield f"files not copied: {done.files_left_behind}"
    if done.tables:
        yield f"rewritten, numbers only: {', '.join(done.tables)}"
    for column, level, eyes in done.rare:
        rare = f"{column} {level}, {count_of(eyes, 'eye')}"
        yield f"rare: {rare}; merge it with another level if it identifies somebody"
    if done.not_searched:
        yield f"{done.not_searched} texts equal to declared words were not searched for"
    yield "kept as written: licence, citation, names of columns and levels"
    yield f"key: {key_file}{' (new; keep it safe and separate)' if done.key.made else ''}"
    yield f"review every scan before sharing: {done.review}"
    yield f"cohort: {done.out}\n{INTENDED_USE}"
