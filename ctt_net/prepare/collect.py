"""All that can be known of the eyes before a file is written, and all that is wrong with them."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ctt_net.cohort import CohortError, Problem
from ctt_net.cohort.folder import SPEC_FILE
from ctt_net.cohort.ids import spelled_alike
from ctt_net.cohort.manifest import alike_message, interpret_manifest
from ctt_net.cohort.problem import SHOWN_OF_A_KIND
from ctt_net.errors import InputError
from ctt_net.prepare.mapping.mapping import CohortMapping
from ctt_net.prepare.scans.find_scans import (
    FoundScans,
    double_files,
    find_scans,
    lost_zeros,
    sides_from_files,
)
from ctt_net.prepare.tables.cells import comma_fix, require_columns, with_points
from ctt_net.prepare.tables.eyes import Eyes, excluded, read_eyes
from ctt_net.prepare.tables.flow import ParticipantFlow
from ctt_net.prepare.tables.one_per_eye import choose_visits, merge_repeats
from ctt_net.prepare.tables.read_table import HIDDEN, REMARKS, read_table
from ctt_net.prepare.tables.requirements import measured_before_surgery, required
from ctt_net.prepare.tables.unmatched import unmatched_words


@dataclass(frozen=True)
class Collected:
    """Eyes that will be in the cohort, unless a scan turns out to be damaged.

    Args:
        table_path: The user's table.
        eyes: With `eye_id`, `laterality`, and a column per view (`yes` = a file was found).
        found: Their files.
        flow: Rows in, eyes out.
        remarks: What else a person should know of the table.
    """

    table_path: Path
    eyes: Eyes
    found: FoundScans
    flow: ParticipantFlow
    remarks: tuple[str, ...] = ()


def collect(
    mapping: CohortMapping,
    folder: Path,
    with_scans: bool,
    table: pd.DataFrame | None = None,
) -> Collected:
    """Read the table, find the scans, check everything.

    Args:
        mapping: What means what.
        folder: What its paths are relative to.
        with_scans: Else every view is missing.
        table: To be taken in place of the file.

    Raises:
        CohortError: Naming row, column, value and fix in the user's own table.
        InputError: If table or folder cannot be read at all.
    """
    path = folder / mapping.table.file
    if table is None:
        path, table = read_table(mapping.table, folder, mapping.file.columns.patient_id.column)
    remarks = list(table.attrs.get(REMARKS, ()))
    hidden = table.index.isin(table.attrs.get(HIDDEN, ()))
    require_columns(table, mapping.named_columns(), path)
    if mapping.table.decimal == ",":
        table = with_points(table, mapping.number_columns(), path)
    flow = ParticipantFlow(len(table), "in the table", "rows")
    if mapping.table.hidden_rows == "leave_out":
        flow.leave_out("hidden in the workbook", int(hidden.sum()))
        table = table[~hidden]
    elif hidden.any():
        remarks.append(
            f"{hidden.sum()} rows are hidden in the workbook (row {table.index[hidden][0]} is the "
            f"first) and taken like any other; to leave them out: table.hidden_rows: leave_out"
        )
    try:
        kept = excluded(table, mapping, flow)
        eyes, problems = read_eyes(kept, mapping)
        remarks += unmatched_words(mapping, table)
    except InputError as error:
        raise InputError(f"{path}, {error}") from None
    _stop(path, problems)
    remarks += _alike(eyes, mapping)
    views = tuple(mapping.spec.views)
    scans = mapping.scans if with_scans else None
    place = folder / mapping.scans.folder if mapping.scans is not None else folder
    laterality = mapping.file.columns.laterality
    if laterality is not None and laterality.from_files:
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
        _check_any(found, eyes, mapping)
    _stop(path, measured_before_surgery(eyes, mapping))
    eyes = found.shown_in(eyes, views)
    taken = required(eyes, mapping, flow, with_scans=scans is not None)
    found, eyes = found.of(taken, eyes), taken
    _stop(path, _wrong_values(eyes, mapping))
    return Collected(path, eyes, found, flow, tuple(remarks))


def _alike(eyes: Eyes, mapping: CohortMapping) -> list[str]:
    """Patients of two spellings, by rows of the user's table."""
    rows: dict[str, int] = {}
    for row, text in zip(eyes.rows, eyes.table["patient_id"], strict=True):
        rows.setdefault(text, int(row))
    column = mapping.place_of("patient_id")
    alike = spelled_alike(eyes.table["patient_id"])
    said = [
        f"row {rows[text]}, column {column}: {alike_message(text, other, rows[other])}"
        for text, other in alike.items()
    ]
    more = len(said) - SHOWN_OF_A_KIND
    return said[:SHOWN_OF_A_KIND] + ([f"and {more} more ids alike"] if more > 0 else [])


def _one_per_eye(
    eyes: Eyes, mapping: CohortMapping, flow: ParticipantFlow, rows: pd.Index
) -> tuple[Eyes, list[Problem]]:
    """Rows of visits, or rows that repeat each other, become one entry per eye."""
    if mapping.file.visit is not None:
        eyes, problems = choose_visits(eyes, mapping, mapping.file.visit, flow)
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
    table = eyes.table.assign(**dict.fromkeys(mapping.spec.views, ""))
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
            cell = "" if at is None or problem.column is None else table[problem.column].iloc[at]
            said.append(Problem(message + comma_fix(cell), row=row, column=column))
    return said


def _check_any(found: FoundScans, eyes: Eyes, mapping: CohortMapping) -> None:
    """No scan for anybody is a mistake in the pattern, not a cohort without scans."""
    if found.files or not len(eyes.table) or mapping.scans is None:
        return
    seen = (
        f"such as {found.unused[0]!r}; no pattern joins it to an eye such as "
        f"{eyes.table['patient_id'].iloc[0]!r} {eyes.table['laterality'].iloc[0]}"
        if found.unused
        else "because there are no scan files in it"
    )
    lost = lost_zeros(found.unused, eyes.table["patient_id"])
    hint = (
        f"a spreadsheet may have made a number of {lost[1]!r}: the table says {lost[0]!r}; export "
        f"its ids as text, or "
        if lost
        else ""
    )
    raise InputError(
        f"{mapping.path}: scans.names fit none of the {len(found.unused)} files in "
        f"{mapping.scans.folder}, {seen}; {hint}correct the patterns, or take "
        f"the section out"
    )


def _stop(path: Path, problems: list[Problem]) -> None:
    if problems:
        raise CohortError(path, problems)
