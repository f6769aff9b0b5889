"""`ctt-net deidentify`: a cohort folder that can leave the hospital."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ctt_net import INTENDED_USE
from ctt_net.cli.exit_code import DONE
from ctt_net.cli.parser import Commands, add_command
from ctt_net.errors import count_of

if TYPE_CHECKING:
    from ctt_net.deidentify import Deidentified


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands, "deidentify", "make a cohort folder without names, to pass on", run
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
    yield f"removed from scans: {kinds or 'nothing was found'}"
    unstable = sum(not scan.stable for scan in done.scans)
    if unstable:
        yield f"{unstable} scans change when read again; they come first on the pages below"
    yield f"dates moved: {', '.join(rows.date_columns) or 'there are none'}"
    if rows.age_columns:
        over = count_of(rows.eyes_over_age, "eye")
        yield f"ages over 89 joined: {', '.join(rows.age_columns)} ({over})"
    if rows.devices_coded:
        yield (
            f"{rows.devices_coded} device names became codes; declare a model under devices in "
            f"cohort.yaml to keep its name"
        )
    if done.columns_left_out:
        yield f"columns left out, as not declared: {', '.join(done.columns_left_out)}"
    if done.files_left_behind:
        yield f"files left behind: {done.files_left_behind}"
    if done.tables:
        yield f"rewritten, numbers only: {', '.join(done.tables)}"
    for column, level, eyes in done.rare:
        rare = f"{column} {level}, {count_of(eyes, 'eye')}"
        yield f"rare: {rare}; join it with another level if it tells who"
    if done.not_searched:
        yield f"{done.not_searched} texts equal to declared words were not searched for"
    yield "kept as people wrote them: licence, citation, names of columns and levels"
    yield f"key: {key_file}{' (made now; keep it safe and apart)' if done.key.made else ''}"
    yield f"look at every scan before anything leaves: {done.review}"
    yield f"cohort: {done.out}\n{INTENDED_USE}"
