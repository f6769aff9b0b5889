"""Columns of the user's table, read by the rules of a mapping."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.acuity import is_missing
from ctt_net.cohort import Problem
from ctt_net.errors import InputError
from ctt_net.intake.cell_text import blanked
from ctt_net.intake.rule import Rule
from ctt_net.wording import close_name


def require_columns(table: pd.DataFrame, columns: Iterable[tuple[str, str]], path: Path) -> None:
    """Refuse a mapping that names columns the table has not.

    Args:
        table: As read.
        columns: Column, and the place in the mapping that names it.
        path: Of the table.

    Raises:
        InputError: With the likely name.
    """
    columns = list(columns)
    # A column may serve two rules, but an acuity is never another one's too.
    acuities = [column for column, where in columns if "_va" in where]
    for column, where in columns:
        if column not in table:
            names = [str(name) for name in table.columns]
            close = close_name(column, names, taken=acuities)
            twice = [name for name in names if name.startswith(f"{column} (")]
            if twice:
                hint = f"it stands {len(twice)} times; choose {' or '.join(map(repr, twice))}"
            elif close:
                hint = f"did you mean {close!r}?"
            else:
                hint = f"there are: {', '.join(names[:40])}"
            raise InputError(f"{path}: no column {column!r}, which {where} names; {hint}")


def resolved(
    rule: Rule, table: pd.DataFrame, side: str | None = None, keep_unfit: bool = False
) -> pd.Series:
    """The column a rule makes, as text, blank = unknown.

    Args:
        rule: Of the mapping.
        table: Cells as text.
        side: In a table of patients.
        keep_unfit: A cell in which `extract` finds nothing stays as it is; else it is unknown.
    """
    if rule.value is not None:
        return pd.Series(rule.value, index=table.index, dtype=object)
    column = rule.sides.get(side or "") if rule.sides else rule.column
    if column is None:  # a rule for one side only
        return pd.Series("", index=table.index, dtype=object)
    cells = blanked(table[column], rule.missing)
    if rule.extract is not None:
        asked = cells[cells != ""]
        part = cells.str.extract(rule.extract, expand=False).fillna("").astype(object).str.strip()
        cells = part.where(part != "", cells) if keep_unfit else part
        if len(asked) and not (part != "").any():
            raise InputError(
                f"column {column}: extract {rule.extract.pattern!r} finds nothing in any of "
                f"{len(asked)} cells such as {asked.iloc[0][:40]!r}; correct the expression"
            )
    if rule.recode:
        new = {text: rule.recode.get(text, text) for text in cells.unique()}
        cells = cells.map(new)
    return cells


def iso_dates(cells: pd.Series, date_format: str) -> tuple[pd.Series, list[tuple[int, str]]]:
    """Dates in one declared format as yyyy-mm-dd; a column of date cells stands so already.

    Both in one column are refused: a spreadsheet of another country makes date cells of those
    texts it can read, day and month exchanged, and leaves the others as texts.

    Returns:
        The column, and (position, message) of every cell that is no such date.
    """
    read: dict[str, str] = {}
    wrong: dict[str, str] = {}
    as_iso: list[str] = []
    as_declared: list[str] = []
    for text in cells.unique():
        read[text] = ""
        if is_missing(text):
            continue
        days = {_date(text, form) for form in ("%Y-%m-%d", date_format)} - {""}
        if len(days) == 1:
            read[text] = days.pop()
            (as_iso if _date(text, "%Y-%m-%d") else as_declared).append(text)
            continue
        wrong[text] = (
            f"{text[:40]!r} is no date in the format {date_format}; correct it, or the format in "
            f"the mapping"
            if not days
            else f"{text!r} may be {' or '.join(sorted(days))}, since a date cell of a workbook "
            f"reads like this too; write year-month-day"
        )
    if as_iso and as_declared:
        for text in as_iso:
            wrong[text] = (
                f"{text!r} is a date cell, others are texts like {as_declared[0]!r}: a spreadsheet "
                f"may have exchanged day and month in it; give the column one form"
            )
    bad = np.flatnonzero(cells.isin(list(wrong)))
    return cells.map(read), [(int(at), wrong[cells.iloc[at]]) for at in bad]


def sides_of(cells: pd.Series, words: dict[str, str]) -> tuple[pd.Series, list[tuple[int, str]]]:
    """`OD` or `OS` of every row, by the mapping's words; both terms themselves are always known."""
    known = {"od": "OD", "os": "OS", **words}
    lower = cells.str.lower()
    sides = lower.map(known)
    bad = np.flatnonzero(sides.isna())
    expected = ", ".join(repr(word) for word in sorted(known))
    messages = [
        (
            int(at),
            (
                f"{cells.iloc[at]!r} is no word for OD or OS (known: {expected}); add it to "
                f"columns.laterality in the mapping"
                if cells.iloc[at]
                else "blank: nobody knows which eye this is; fill it in, or leave such rows out "
                "with an 'exclude' line (missing: true)"
            ),
        )
        for at in bad
    ]
    return sides.fillna("").astype(object), messages


def as_problems(
    messages: Iterable[tuple[int, str]], rows: np.ndarray, column: str
) -> list[Problem]:
    """Messages by position as problems by row of the user's table."""
    return [Problem(text, row=int(rows[at]), column=column) for at, text in messages]


def _date(text: str, form: str) -> str:
    try:
        return datetime.strptime(text, form).date().isoformat()
    except ValueError:
        return ""
