"""All that can be known of the eyes before a file is written, and all that is wrong with them."""

import re
from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ctt_net.cohort import CohortError, Problem
from ctt_net.cohort.folder import SPEC_FILE
from ctt_net.cohort.manifest import interpret_manifest
from ctt_net.errors import InputError
from ctt_net.intake.cells import require_columns
from ctt_net.intake.eyes import Eyes, excluded, read_eyes
from ctt_net.intake.find_scans import FoundScans, double_files, find_scans, without_paths
from ctt_net.intake.flow import Flow
from ctt_net.intake.mapping import CohortMapping
from ctt_net.intake.read_table import read_table
from ctt_net.intake.repeats import merge_repeats
from ctt_net.intake.requirements import measured_before_surgery, required
from ctt_net.intake.sides import sides_from_files
from ctt_net.intake.visits import choose_visits


@dataclass(frozen=True)
class Collected:
    """Eyes that will be in the cohort, unless a scan turns out to be damaged.

    Args:
        table_path: The user's table.
        eyes: With `eye_id`, `laterality`, and a column per view (`yes` = a file was found).
        found: Their files.
        flow: Rows in, eyes out.
    """

    table_path: Path
    eyes: Eyes
    found: FoundScans
    flow: Flow


def collect(
    mapping: CohortMapping,
    folder: Path,
    look_for_scans: bool,
    table: pd.DataFrame | None = None,
) -> Collected:
    """Read the table, look for the scans, check everything.

    Args:
        mapping: What means what.
        folder: What its paths are relative to.
        look_for_scans: Else every view is missing.
        table: To be taken in place of the file.

    Raises:
        CohortError: Naming row, column, value and cure in the user's own table.
        InputError: If table or folder cannot be read at all.
    """
    path = folder / mapping.table.file
    if table is None:
        path, table = read_table(mapping.table, folder)
    require_columns(table, mapping.named_columns(), path)
    flow = Flow(len(table), "in the table", "rows")
    try:
        kept = excluded(table, mapping, flow)
        eyes, problems = read_eyes(kept, mapping)
    except InputError as error:
        raise InputError(f"{path}, {error}") from None
    _stop(path, problems)
    views = tuple(mapping.spec.views)
    scans = mapping.scans if look_for_scans else None
    place = folder / mapping.scans.folder if mapping.scans is not None else folder
    if mapping.laterality.from_files:
        if scans is None:
            raise InputError(f"{mapping.path}: only the scans say which eye a row is; read them")
        eyes, problems = sides_from_files(eyes, scans, place, views, flow)
        _stop(path, problems)
    eyes, problems = _one_per_eye(eyes, mapping, flow, rows=kept.index)
    _stop(path, problems)
    found = FoundScans()
    if scans is not None:
        found = find_scans(eyes, scans, place, views)
        _stop(path, double_files(found, eyes))
        _refuse_none(found, eyes, mapping)
    _stop(path, measured_before_surgery(eyes, mapping))
    eyes = found.shown_in(eyes, views)
    taken = required(eyes, mapping, flow, with_scans=scans is not None)
    found, eyes = found.of(taken, eyes), taken
    _stop(path, _wrong_values(eyes, mapping))
    return Collected(path, eyes, found, flow)


def _one_per_eye(
    eyes: Eyes, mapping: CohortMapping, flow: Flow, rows: pd.Index
) -> tuple[Eyes, list[Problem]]:
    """Rows of visits, or rows that repeat each other, become one entry per eye."""
    if mapping.visit is not None:
        eyes, problems = choose_visits(eyes, mapping, mapping.visit, flow)
    else:
        if mapping.table.one_row_per == "patient":
            empty = sorted(set(rows) - set(eyes.rows))
            blank = [f"row {row}" for row in empty]
            flow.leave_out("no cell of either eye is filled", len(blank), blank)
            flow.arrive(len(set(eyes.rows)), "rows of patients", "rows")
            flow.arrive(len(eyes.table), "eyes in them", "eyes")
        eyes, problems = merge_repeats(eyes, mapping, flow)
        if not problems and flow.unit == "rows":
            flow.arrive(len(eyes.table), "rows used", "rows")
            flow.arrive(len(eyes.table), "eyes in them", "eyes")
    if "eye_id" not in eyes.table:
        ids = eyes.table["patient_id"] + "_" + eyes.table["laterality"]
        eyes = replace(eyes, table=eyes.table.assign(eye_id=ids))
    return eyes, problems


def _wrong_values(eyes: Eyes, mapping: CohortMapping) -> list[Problem]:
    """Errors of the manifest that these eyes would make, said in terms of the user's table."""
    table = without_paths(eyes, tuple(mapping.spec.views)).table
    if not len(table):
        return []
    sides = table["laterality"].to_list()
    # Messages name rows: those of the user's table, also where both eyes stand in one.
    twice = len(set(eyes.rows)) < len(eyes.rows)
    labels: list[Hashable] = [
        f"{row} ({side})" if twice else int(row) for row, side in zip(eyes.rows, sides, strict=True)
    ]
    place = {label: at for at, label in enumerate(labels)}
    _, problems = interpret_manifest(
        table.set_axis(pd.Index(labels)), mapping.spec, mapping.path.parent
    )
    said = []
    for problem in problems:
        at = None if problem.row is None else place[problem.row]
        row, side = (None, None) if at is None else (eyes.row_of(at, problem.column), sides[at])
        column = None if problem.column is None else mapping.place_of(problem.column, side)
        message = problem.message.replace(SPEC_FILE, mapping.path.name)
        if problem.severity == "error":
            said.append(Problem(message, row=row, column=column))
    return said


def _lost_zeros(found: FoundScans, eyes: Eyes) -> str:
    """The hint that a spreadsheet made numbers of ids: `17` or `17.0` where files say `00017`."""
    for patient in eyes.table["patient_id"]:
        number = re.fullmatch(r"([1-9]\d*)(?:\.0)?", patient)
        if number is None:
            continue
        written = re.compile(rf"(?<!\d)0*{number[1]}(?!\d)")
        for match in filter(None, map(written.search, found.unused)):
            if match[0] != patient:
                return (
                    f"a spreadsheet may have made a number of {match[0]!r}: the table says "
                    f"{patient!r}; export its ids as text, or "
                )
            break
    return ""


def _refuse_none(found: FoundScans, eyes: Eyes, mapping: CohortMapping) -> None:
    """No scan for anybody is a mistake in the pattern, not a cohort without scans."""
    if found.files or not len(eyes.table) or mapping.scans is None:
        return
    seen = (
        f"such as {found.unused[0]!r}; no pattern joins it to an eye such as "
        f"{eyes.table['patient_id'].iloc[0]!r} {eyes.table['laterality'].iloc[0]}"
        if found.unused
        else "because there are no scan files in it"
    )
    raise InputError(
        f"{mapping.path}: scans.names fit none of the {len(found.unused)} files in "
        f"{mapping.scans.folder}, {seen}; {_lost_zeros(found, eyes)}correct the patterns, or take "
        f"the section out"
    )


def _stop(path: Path, problems: list[Problem]) -> None:
    if problems:
        raise CohortError(path, problems)
