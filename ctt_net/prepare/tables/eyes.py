"""Rows of the user's table become eyes: manifest columns as text, and where each came from."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ctt_net.cohort import Problem
from ctt_net.cohort.columns import says_missing
from ctt_net.cohort.schema import VA_COLUMNS
from ctt_net.cohort.words import matched
from ctt_net.errors import InputError
from ctt_net.prepare.mapping.column_rules import BOUNDS, AcuityRule, DateRule, LateralityRule
from ctt_net.prepare.mapping.exclusion import Exclusion
from ctt_net.prepare.mapping.mapping import CohortMapping
from ctt_net.prepare.tables.bounds import with_bounds
from ctt_net.prepare.tables.cells import (
    as_fractions,
    as_problems,
    comma_fix,
    iso_dates,
    resolved,
    sides_of,
)
from ctt_net.prepare.tables.flow import ParticipantFlow
from ctt_net.types import EYES

POSTOP_COLUMNS = ("postop_va", "postop_date", "followup_days")

# 3.30106E+17 for an id of 18 digits: two persons may look the same. Without its plus, 7e123456 is
# a code of hexadecimal digits, which no spreadsheet writes so.
_ROUNDED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+|[0-9]+\.0+")
_ROUNDED_FIX = (
    "a program has made a number of this id, perhaps a rounded one; export the table again with "
    "the column as text"
)
_NO_PATIENT = (
    "blank: no patient, no split; fill it in, or leave such rows (a sum, a second header) out with "
    "an 'exclude' line (missing: true)"
)


@dataclass(frozen=True)
class Eyes:
    """Eyes (or visits of eyes) on their way into the manifest.

    Args:
        table: Manifest columns as text; its index counts from 0.
        cells: The user's own cells of the same rows.
        rows: Row of each in the user's table.
        rows_after: Row of the postoperative columns, where that is another one; -1 = none.
    """

    table: pd.DataFrame
    cells: pd.DataFrame
    rows: np.ndarray
    rows_after: np.ndarray | None = None

    def row_of(self, position: int, column: str | None = None) -> int:
        """Row of the user's table that says a column of one of them."""
        if self.rows_after is not None and column in POSTOP_COLUMNS:
            after = int(self.rows_after[position])
            return after if after > 0 else int(self.rows[position])
        return int(self.rows[position])

    def take(self, chosen: np.ndarray) -> "Eyes":
        """Some of them, by position or by bool."""
        at = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        table, cells = (part.iloc[at].reset_index(drop=True) for part in (self.table, self.cells))
        after = None if self.rows_after is None else self.rows_after[at]
        return Eyes(table, cells, self.rows[at], after)


def excluded(raw: pd.DataFrame, mapping: CohortMapping, flow: ParticipantFlow) -> pd.DataFrame:
    """Rows that no line of `exclude` leaves out; each is counted at its first reason."""
    rule = mapping.file.columns.eye_id or mapping.file.columns.patient_id
    for exclusion in mapping.file.exclude:
        out = _is_excluded(raw[exclusion.column], exclusion)
        column = (*rule.columns, exclusion.column)[0]  # an id may be the same `value` for all
        # No rule and no check has seen these cells: a blank one is named by its row.
        ids = [text or f"row {row}" for row, text in raw[out][column].items()]
        flow.leave_out(exclusion.reason, len(ids), ids)
        raw = raw[~out]
    return raw


def _is_excluded(cells: pd.Series, line: Exclusion) -> pd.Series:
    """Which cells of its column a line of `exclude` leaves out."""
    unknown = says_missing(cells)
    out = matched(cells, line.cells).notna() | (unknown & line.missing)
    if line.below is None and line.above is None:
        return out
    numbers = pd.to_numeric(cells.where(~unknown), errors="coerce")
    bad = numbers.isna() & ~unknown & ~out
    if bad.any():
        row = cells.index[bad][0]
        raise InputError(
            f"row {row}, column {line.column}: {cells[row]!r} is no number, so nobody can say "
            f"whether it is out of bounds ({line.reason}); correct it, or declare it under "
            f"table.missing{comma_fix(cells[row])}"
        )
    if line.below is not None:
        out |= numbers < line.below
    if line.above is not None:
        out |= numbers > line.above
    return out


def read_eyes(raw: pd.DataFrame, mapping: CohortMapping) -> tuple[Eyes, list[Problem]]:
    """Apply the rules: one entry per row, or per row and side.

    Args:
        raw: The user's table as text, indexed by row number.
        mapping: Its mapping.

    Returns:
        The entries, and what could not be read.
    """
    sides = EYES if mapping.table.one_row_per == "patient" else (None,)
    parts, problems = [], []
    for side in sides:
        table, present, found = _entries(raw, mapping, side)
        problems += found
        parts.append((table[present], raw[present], raw.index.to_numpy()[present]))
    order = np.argsort(np.concatenate([part[2] for part in parts]), kind="stable")
    eyes = Eyes(
        pd.concat([part[0] for part in parts], ignore_index=True),
        pd.concat([part[1] for part in parts], ignore_index=True),
        np.concatenate([part[2] for part in parts]),
    )
    return (eyes.take(order) if len(parts) > 1 else eyes), problems


def _entries(
    raw: pd.DataFrame, mapping: CohortMapping, side: str | None
) -> tuple[pd.DataFrame, np.ndarray, list[Problem]]:
    """Manifest columns of every row, for one side of a table of patients."""
    rows = raw.index.to_numpy()
    table, problems = {}, []
    own = np.zeros(len(raw), dtype=bool)  # rows that say anything of this side
    for name, rule in mapping.rules.items():
        # An acuity that an expression does not fit must not pass for a missing one.
        column = resolved(rule, raw, side, keep_unfit=name in VA_COLUMNS)
        if isinstance(rule, LateralityRule):
            column, messages = sides_of(column, rule.words)
            problems += as_problems(messages, rows, rule.place())
        elif isinstance(rule, DateRule):
            column, messages = iso_dates(column, rule.format, rule.date_cells)
            problems += as_problems(messages, rows, rule.place(side))
        elif isinstance(rule, AcuityRule) and rule.off_chart_column is not None:
            words = resolved(rule.off_chart_column, raw, side)
            column, messages = _with_words(column, words)
            problems += as_problems(messages, rows, rule.place(side))
        if isinstance(rule, AcuityRule):
            column, messages = _in_one_notation(column, rule, mapping)
            problems += as_problems(messages, rows, rule.place(side))
            if set(BOUNDS) & set(rule.beside()):
                column, found = _with_bounds(column, rule, raw, side, mapping)
                problems += found
        table[name] = column
        if rule.sides:
            own |= ~says_missing(column).to_numpy()
    present = own if side is not None else np.ones(len(raw), dtype=bool)
    if side is not None:
        table["laterality"] = pd.Series(side, index=raw.index, dtype=object)
    if "postop_va" not in table:
        table["postop_va"] = pd.Series("", index=raw.index, dtype=object)
    blank = np.flatnonzero((table["patient_id"] == "").to_numpy() & present)
    problems += as_problems(
        ((int(at), _NO_PATIENT) for at in blank),
        rows,
        mapping.place_of("patient_id"),
    )
    for name in ("patient_id", "eye_id"):
        if name in table:
            rounded = np.flatnonzero(table[name].map(_is_rounded).to_numpy(bool) & present)
            problems += as_problems(
                ((int(at), f"{table[name].iloc[at]!r}: {_ROUNDED_FIX}") for at in rounded),
                rows,
                mapping.place_of(name, side),
            )
    return pd.DataFrame(table, index=raw.index), present, problems


def _in_one_notation(
    cells: pd.Series, rule: AcuityRule, mapping: CohortMapping
) -> tuple[pd.Series, list[tuple[int, str]]]:
    """Fractions only, where a column holds both; else as it is."""
    if rule.notation[1] is None:
        return cells, []
    return as_fractions(cells, rule.notation[1], mapping.spec.acuity.off_chart_policy)


def _with_bounds(
    cells: pd.Series,
    rule: AcuityRule,
    raw: pd.DataFrame,
    side: str | None,
    mapping: CohortMapping,
) -> tuple[pd.Series, list[Problem]]:
    """The column with the bounds that stand beside it in columns of their own."""
    rows, problems, bounds = raw.index.to_numpy(), [], []
    for name in BOUNDS:
        beside = rule.beside().get(name)
        column = pd.Series("", index=raw.index, dtype=object)
        if beside is not None:
            column = resolved(beside, raw, side, keep_unfit=True)
            column, messages = _in_one_notation(column, rule, mapping)
            problems += as_problems(messages, rows, beside.place(side))
        bounds.append(column)
    column, messages = with_bounds(cells, bounds[0], bounds[1], rule.notation[0])
    return column, problems + as_problems(messages, rows, rule.place(side))


def _is_rounded(text: str) -> bool:
    return _ROUNDED.fullmatch(text) is not None


def _with_words(cells: pd.Series, words: pd.Series) -> tuple[pd.Series, list[tuple[int, str]]]:
    """The off-chart word where there is one; a number above 0 beside it is a contradiction."""
    has_word = ~says_missing(words).to_numpy()
    texts = cells.where(cells != "").str.replace(",", ".")
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy()
    clash = np.flatnonzero(has_word & (cells != "").to_numpy() & ~(numbers == 0))
    messages = [
        (
            int(at),
            f"holds {cells.iloc[at]!r} although the off-chart column says {words.iloc[at]!r}; "
            f"empty one of them",
        )
        for at in clash
    ]
    return cells.where(~has_word, words), messages
