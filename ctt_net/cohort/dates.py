"""Dates of a cohort: one spelling, yyyy-mm-dd, since any other has to be guessed."""

import re
from datetime import date

import pandas as pd

from ctt_net.acuity import is_missing
from ctt_net.cohort.problem import Problem

# Preoperative OCT, preoperative acuity, surgery, postoperative acuity; all optional.
DATE_COLUMNS = ("scan_date", "preop_date", "surgery_date", "postop_date")

# Beyond these a digit is mistyped (0202, 2924); shifted dates of pseudonymised tables stay inside.
YEARS = (1900, 2199)

_FIX = "write it like 2024-06-09 (year-month-day), or leave it empty if unknown"
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_FIVE_DIGITS = re.compile(r"[0-9]{5}(\.[0-9]+)?")
_WITH_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].+")
_DAY_AND_MONTH = re.compile(r"[0-9]{1,2}([/.\-])[0-9]{1,2}\1([0-9]{2}|[0-9]{4})")


def read_dates(texts: pd.Series, column: str) -> tuple[pd.Series, list[Problem]]:
    """Read a column of dates; empty and missing words become NaT, and so does what is wrong.

    Args:
        texts: Column as text, indexed by row number.
        column: Its name, for the problems.

    Returns:
        The days as datetime64[ns], and one problem per text that is no yyyy-mm-dd.
    """
    stripped = texts.astype(str).str.strip()
    days: dict[str, date | None] = {}
    wrong: dict[str, str] = {}
    for text in stripped.unique():  # a calendar has few days: read each text once
        days[text] = None
        if not is_missing(text):
            try:
                days[text] = _read(text)
            except ValueError as error:
                wrong[text] = f"{text[:40]!r} {error}"
    bad = stripped[stripped.isin(list(wrong))]
    problems = [Problem(wrong[text], row=row, column=column) for row, text in bad.items()]
    return pd.to_datetime(stripped.map(days)).astype("datetime64[ns]"), problems


def add_dates(table: pd.DataFrame) -> list[Problem]:
    """Normalise the date columns of `table` in place: yyyy-mm-dd, empty = unknown or wrong.

    Where the days of surgery and of the postoperative acuity are known and `followup_days` is not,
    it is filled from them; days in the wrong order fill nothing.

    Args:
        table: Manifest, indexed by row number; `followup_days`, if there, holds floats already.
    """
    problems = []
    days = {}
    for column in DATE_COLUMNS:
        if column in table:
            days[column], found = read_dates(table[column], column)
            table[column] = days[column].dt.strftime("%Y-%m-%d").fillna("").astype(object)
            problems += found
    if "surgery_date" in days and "postop_date" in days:
        between = (days["postop_date"] - days["surgery_date"]).dt.days.astype(float)
        between = between.where(between > 0)
        given = table.get("followup_days", between)
        table["followup_days"] = given.fillna(between)
    return problems


def _read(text: str) -> date:
    """The day a text names.

    Raises:
        ValueError: With what is wrong and the fix, to follow the quoted text.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(f"{_cause_of(text)}; {_FIX}")
    year, month, day = (int(part) for part in match.groups())
    if not YEARS[0] <= year <= YEARS[1]:
        raise ValueError(f"has an unlikely year; {_FIX}")
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"is no day of the calendar; {_FIX}") from None


def _cause_of(text: str) -> str:
    if _FIVE_DIGITS.fullmatch(text):
        return (
            "is no date but looks like a spreadsheet's day count; give the column the date format "
            "yyyy-mm-dd there and save again"
        )
    if _WITH_TIME.fullmatch(text):
        return "holds a time of day beside the date; keep the date only"
    if _DAY_AND_MONTH.fullmatch(text):
        return "may be day-month or month-day, which is never guessed"
    return "is no date in the form yyyy-mm-dd"
