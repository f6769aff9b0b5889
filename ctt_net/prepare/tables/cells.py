"""Columns of the user's table, read by the rules of a mapping."""

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.acuity import AcuityError, is_missing, parse_va
from ctt_net.cohort import CohortError, Problem
from ctt_net.cohort.words import matched
from ctt_net.errors import InputError, close_name
from ctt_net.prepare.mapping.column_rules import CellRule

# 10:30, 10:30:00.000, 10:30 pm, with a time zone or without.
_TIME = re.compile(
    r"[T ]+[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?[ap]\.?m\.?)?"
    r"( ?(Z|[-+][0-9]{2}:?[0-9]{2}))?$",
    re.IGNORECASE,
)
_PLAIN_NUMBER = re.compile(r"[-+]?[0-9]*[.,]?[0-9]+")
_TIME_IN_FORMAT = re.compile(r"[T ]+%[HIX].*")
_COMMA = re.compile(r"[-+]?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]*),[0-9]+")


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
    rule: CellRule, table: pd.DataFrame, side: str | None = None, keep_unfit: bool = False
) -> pd.Series:
    """The column a rule makes, as text, blank = unknown; see `before_recode`."""
    cells = before_recode(rule, table, side, keep_unfit)
    words = matched(cells, rule.recode)
    return cells.where(words.isna(), words.map(rule.recode))


def before_recode(
    rule: CellRule, table: pd.DataFrame, side: str | None = None, keep_unfit: bool = False
) -> pd.Series:
    """The same with its words as the table has them.

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
    if rule.strip:
        cells = cells.str.replace(_any_of(rule.strip), " ", regex=True).str.split().str.join(" ")
    if rule.extract is not None:
        asked = cells[cells != ""]
        part = cells.str.extract(rule.extract, expand=False).fillna("").astype(object).str.strip()
        cells = part.where(part != "", cells) if keep_unfit else part
        if len(asked) and not (part != "").any():
            raise InputError(
                f"column {column}: extract {rule.extract.pattern!r} finds nothing in any of "
                f"{len(asked)} cells such as {asked.iloc[0][:40]!r}; correct the expression"
            )
    return cells


def blanked(cells: pd.Series, sentinels: Iterable[str]) -> pd.Series:
    """Cells with every sentinel turned into a blank."""
    return cells.mask(matched(cells, sentinels).notna(), "")


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """One of these texts, a word never inside another word, the longest first."""
    parts = [
        (r"(?<![^\W\d_])" if word[0].isalpha() else "")
        + re.escape(word)
        + (r"(?![^\W\d_])" if word[-1].isalpha() else "")
        for word in sorted(words, key=len, reverse=True)
    ]
    return re.compile("|".join(parts), re.IGNORECASE)


def as_fractions(
    cells: pd.Series, notation: str, off_chart_policy: str
) -> tuple[pd.Series, list[tuple[int, str]]]:
    """Acuities of one column of mixed notations as fractions: 0.4 in decimal is 1/2.5.

    Args:
        cells: As text.
        notation: Of those that are plain numbers.
        off_chart_policy: For the words that some notations have numbers for.

    Returns:
        The column, and (position, message) of every number that is none of this notation.
    """
    read: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for text in cells.unique():
        read[text] = text
        if not _PLAIN_NUMBER.fullmatch(text):
            continue
        try:
            acuity = parse_va(text, notation, off_chart_policy)
            read[text] = acuity.off_chart or f"1/{10**acuity.logmar:.7g}"
        except AcuityError as error:
            wrong[text] = str(error)
    bad = np.flatnonzero(cells.isin(list(wrong)))
    return cells.map(read), [(int(at), wrong[cells.iloc[at]]) for at in bad]


def with_points(table: pd.DataFrame, columns: Iterable[str], path: Path) -> pd.DataFrame:
    """A table of decimal commas with points in its columns of numbers.

    Args:
        table: As text.
        columns: That hold numbers.
        path: Of the table. In a workbook a point may come from a cell that is a number.

    Raises:
        CohortError: If a point of a CSV file may part thousands or decimals.
    """
    read, problems = {}, []
    for column in dict.fromkeys(columns):
        cells = table[column]
        unclear = cells.str.fullmatch(r"[-+]?[0-9]{1,3}\.[0-9]{3}") & (
            path.suffix.lower() != ".xlsx"
        )
        problems += [
            Problem(
                f"{text!r} may have thousands or decimals behind its point (table.decimal is a "
                f"comma); write it without the point, or with a comma",
                row=row,
                column=column,
            )
            for row, text in cells[unclear].items()
        ]
        comma = cells.str.fullmatch(_COMMA)
        plain = cells.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        read[column] = cells.mask(comma, plain)
    if problems:
        raise CohortError(path, problems)
    return table.assign(**read)


def decimal_commas(table: pd.DataFrame) -> int:
    """Cells with a decimal comma; 0 if others have a decimal point, so that a person must say."""
    commas = sum(int(table[name].str.fullmatch(_COMMA).sum()) for name in table)
    points = any(table[name].str.fullmatch(r"[-+]?[0-9]+\.[0-9]+").any() for name in table)
    return 0 if points else commas


def comma_fix(text: str) -> str:
    """The end of a message on a text that is no number: what to do if it has a decimal comma."""
    return ' (or say table.decimal: "," in the mapping)' if _COMMA.fullmatch(text) else ""


def iso_dates(
    cells: pd.Series, date_format: str, date_cells: bool = False
) -> tuple[pd.Series, list[tuple[int, str]]]:
    """Dates in one declared format as yyyy-mm-dd; a column of date cells stands so already.

    A time of day beside the date is left out. Date cells and texts in one column are refused: a
    spreadsheet of another country makes date cells of those texts it can read, day and month
    exchanged, and leaves the others as texts.

    Args:
        cells: As text.
        date_format: Of the texts.
        date_cells: Whether date cells among the texts are right.

    Returns:
        The column, and (position, message) of every cell that is no such date.
    """
    read: dict[str, str] = {}
    wrong: dict[str, str] = {}
    as_iso: list[str] = []
    as_declared: list[str] = []
    forms = ("%Y-%m-%d", date_format, _TIME_IN_FORMAT.sub("", date_format))
    for text in cells.unique():
        read[text] = ""
        if is_missing(text):
            continue
        day = without_time(text)
        days = {_date(part, form) for part in (text, day) for form in forms} - {""}
        if len(days) == 1:
            read[text] = days.pop()
            (as_iso if _date(day, "%Y-%m-%d") else as_declared).append(text)
            continue
        wrong[text] = (
            f"{text[:40]!r} is no date in the format {date_format}; correct it, or the format in "
            f"the mapping"
            if not days
            else f"{text!r} may be {' or '.join(sorted(days))}, since a date cell of a workbook "
            f"reads like this too; write year-month-day"
        )
    if as_iso and as_declared and not date_cells:
        for text in as_iso:
            wrong[text] = (
                f"{text!r} is a date cell, others are texts like {as_declared[0]!r}: a spreadsheet "
                f"may have exchanged day and month in it; give the column one form, or say "
                f"date_cells: true if these are right"
            )
    bad = np.flatnonzero(cells.isin(list(wrong)))
    return cells.map(read), [(int(at), wrong[cells.iloc[at]]) for at in bad]


def without_time(text: str) -> str:
    """A date without the time of day beside it.

    >>> without_time("2024-03-01 10:30")
    '2024-03-01'
    """
    return _TIME.sub("", text)


def sides_of(cells: pd.Series, words: dict[str, str]) -> tuple[pd.Series, list[tuple[int, str]]]:
    """`OD` or `OS` of every row, by the mapping's words; both terms themselves are always known."""
    known = {"OD": "OD", "OS": "OS", **words}
    sides = matched(cells, known).map(known)
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
