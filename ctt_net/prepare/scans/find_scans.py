"""Which file shows which view of which eye, by the patterns or the columns of a mapping."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from ctt_net.cohort import Problem
from ctt_net.devices import is_device_file
from ctt_net.errors import InputError
from ctt_net.prepare.mapping.name_pattern import folded
from ctt_net.prepare.mapping.scan_rule import ScanRule
from ctt_net.prepare.scans.match_names import FoundScans, Matcher, scan_files
from ctt_net.prepare.tables.cells import resolved
from ctt_net.prepare.tables.eyes import Eyes
from ctt_net.prepare.tables.flow import ParticipantFlow


def find_scans(eyes: Eyes, rule: ScanRule, folder: Path, views: tuple[str, ...]) -> FoundScans:
    """Find the scans of every eye.

    Args:
        eyes: With `laterality` unless the names of the files say it.
        rule: The `scans` section.
        folder: Where it lies.
        views: Names of the views.

    Raises:
        InputError: If the folder is not there, or a pattern asks for a column that is not.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; correct scans.folder in the mapping")
    if rule.columns:
        return _by_columns(eyes, rule, folder)
    found = FoundScans()
    matchers = [Matcher(pattern, rule, eyes, views) for pattern in rule.names]
    for relative in scan_files(folder):
        name = folded(relative)
        if not any(matcher.take(name, folder / relative, found) for matcher in matchers):
            found.unused.append(relative)
    return found


def double_files(found: FoundScans, eyes: Eyes) -> list[Problem]:
    """Eyes with two files for one view, and pictures that would show two eyes or two views."""
    problems = [
        Problem(
            f"{len(files)} files for view {view}, such as {files[0].name!r} and {files[1].name!r}; "
            f"make the pattern stricter (visit, date), or remove one",
            row=int(eyes.rows[position]),
        )
        for (position, view), files in sorted(found.files.items())
        if len(files) > 1
    ]
    first: dict[Path, tuple[int, str]] = {}
    patients = eyes.table["patient_id"].to_list()
    for (position, view), files in sorted(found.files.items()):
        for file in files:
            other, other_view = first.setdefault(file, (position, view))
            if (other, other_view) == (position, view):
                continue
            if patients[other] == patients[position] and is_device_file(file):
                continue  # may hold both eyes, and every section
            problems.append(
                Problem(
                    f"{file.name!r} is the {other_view} scan of the eye in row {eyes.rows[other]} "
                    f"and the {view} scan of this one; a picture shows one view of one eye: add "
                    f"{{laterality}} or another field to the pattern, or correct the table",
                    row=int(eyes.rows[position]),
                )
            )
    return problems


def lost_zeros(files: Iterable[str], patient_ids: Iterable[str]) -> tuple[str, str] | None:
    """An id of which a spreadsheet made a number, and how the files have it: `17` and `00017`.

    Args:
        files: That no pattern joins to an eye.
        patient_ids: Of the table.
    """
    runs = {run for file in files for run in re.findall("[0-9]+", file)}
    written = {run.lstrip("0"): run for run in runs}
    for patient in patient_ids:
        number = re.fullmatch(r"([1-9]\d*)(?:\.0)?", patient)
        if number and patient not in runs and number[1] in written:
            return patient, written[number[1]]
    return None


def _by_columns(eyes: Eyes, rule: ScanRule, folder: Path) -> FoundScans:
    found = FoundScans()
    for view, column in rule.columns.items():
        for position, text in enumerate(resolved(column, eyes.cells)):
            if text:
                place = f"row {eyes.rows[position]}, column {column.place()}"
                found.files[position, view] = [_inside(text, folder, place)]
    return found


def _inside(text: str, folder: Path, place: str) -> Path:
    path = PurePosixPath(text.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in text or "\x00" in text:
        raise InputError(
            f"{place}: {text!r} leaves the folder of the scans; use 'extract' in the mapping to "
            f"take the part below it"
        )
    return folder / path


def sides_from_files(
    eyes: Eyes, rule: ScanRule, folder: Path, views: tuple[str, ...], flow: ParticipantFlow
) -> tuple[Eyes, list[Problem]]:
    """Fill `laterality` from the file names; eyes without a scan are left out, and counted."""
    said = find_scans(eyes, rule, folder, views).sides
    problems = [
        Problem(
            "its scans are named OD and OS, so nobody knows which eye the acuity is of; add a "
            "column that says it",
            row=int(eyes.rows[at]),
        )
        for at, sides in sorted(said.items())
        if len(sides) > 1
    ]
    known = np.array([len(said.get(at, ())) == 1 for at in range(len(eyes.table))], dtype=bool)
    lost = eyes.table["patient_id"][~known]
    flow.leave_out("no scan says which eye it is", len(lost), lost)
    side = [next(iter(said[int(at)])) for at in np.flatnonzero(known)]
    kept = eyes.take(known)
    table = kept.table.assign(laterality=pd.Series(side, dtype=object))
    return replace(kept, table=table), problems
