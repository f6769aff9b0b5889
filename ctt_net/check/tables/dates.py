"""The order of events: scan and first acuity, surgery, second acuity."""

from datetime import date, timedelta

import pandas as pd

from ctt_net.check.finding import Check, Finding
from ctt_net.cohort import Cohort
from ctt_net.cohort.dates import DATE_COLUMNS
from ctt_net.cohort.problem import Severity
from ctt_net.errors import count_of

SCAN_AFTER = Check(
    "scan-after-surgery",
    "Scan taken after surgery",
    "a scan taken after surgery shows the outcome that is to be predicted (leakage)",
    "give the last scan before surgery, or leave the view empty",
)
PREOP_AFTER = Check(
    "preop-after-surgery",
    "Preoperative acuity measured after surgery",
    "an acuity measured after surgery is the outcome, not an input",
    "give the last acuity before surgery",
)
POSTOP_BEFORE = Check(
    "postop-before-surgery",
    "Postoperative acuity measured before surgery",
    "an acuity measured before surgery is no outcome",
    "give the acuity of a visit after surgery, or leave it empty",
)
FUTURE = Check(
    "date-in-future",
    "Date in the future",
    "a day that has not come yet is a typing error",
    "compare the row with the patient file",
)
CONTRADICTION = Check(
    "followup-vs-dates",
    "Follow-up contradicts the dates",
    "the days of follow-up and the dates name two different visits",
    "correct one of them, or empty followup_days: it is filled from the dates",
)
UNUSUAL = Check(
    "followup-unusual",
    "Unusual follow-up time",
    "the time of measurement is part of what is predicted; an outcome measured before the eye has "
    "healed, or years later, is another outcome",
    "choose the visit nearest to the planned time, or report the spread",
)

USUAL_FOLLOWUP_DAYS = (14, 120)
_SHIFTED_SHARE = 0.5


def date_findings(cohort: Cohort, today: date | None = None) -> list[Finding]:
    """Events in the wrong order, and follow-up times that are unusual or contradicted."""
    days = {
        column: pd.to_datetime(cohort.table[column], format="%Y-%m-%d", errors="coerce")
        for column in DATE_COLUMNS
        if column in cohort.table
    }
    rows = pd.Series(cohort.rows, index=cohort.table.index)
    tomorrow = pd.Timestamp((today or date.today()) + timedelta(days=1))
    found = []
    for column, day in days.items():
        ahead = day > tomorrow
        if ahead.any():
            message = f"{count_of(ahead.sum(), 'date')} in the future, up to {day.max():%Y-%m-%d}"
            # Pseudonymised tables may be shifted ahead as a whole: typing errors are the exception.
            typing_error = ahead.sum() <= _SHIFTED_SHARE * day.notna().sum()
            severity: Severity = "error" if typing_error else "note"
            found.append(FUTURE.found(severity, message, rows[ahead], column))
    if "surgery_date" in days:
        found += _order(days, rows)
    return found + _followup(cohort.table, days, rows)


def _order(days: dict[str, pd.Series], rows: pd.Series) -> list[Finding]:
    found = []
    surgery = days["surgery_date"]
    for column, check, noun in (
        ("scan_date", SCAN_AFTER, "scan"),
        ("preop_date", PREOP_AFTER, "preoperative measurement"),
    ):
        if column in days:
            late = (days[column] - surgery).dt.days
            wrong = late > 0
            if wrong.any():
                days_late = count_of(late.max(), "day")
                message = f"{count_of(wrong.sum(), noun)} after surgery, by up to {days_late}"
                found.append(check.found("error", message, rows[wrong], column))
    if "postop_date" in days:
        early = (surgery - days["postop_date"]).dt.days
        wrong = early >= 0
        if wrong.any():
            message = (
                f"{count_of(wrong.sum(), 'postoperative measurement')} on the day of surgery or "
                f"before it, by up to {count_of(early.max(), 'day')}"
            )
            found.append(POSTOP_BEFORE.found("error", message, rows[wrong], "postop_date"))
    return found


def _followup(table: pd.DataFrame, days: dict[str, pd.Series], rows: pd.Series) -> list[Finding]:
    if "followup_days" not in table:
        return []
    found = []
    stated = pd.to_numeric(table["followup_days"], errors="coerce")
    if "surgery_date" in days and "postop_date" in days:
        between = (days["postop_date"] - days["surgery_date"]).dt.days
        wrong = (between > 0) & ((stated - between).abs() > 1)
        if wrong.any():
            first = int(wrong.to_numpy().argmax())
            message = (
                f"{count_of(wrong.sum(), 'eye')}: row {rows.iloc[first]} says "
                f"{stated.iloc[first]:g} days, but from surgery_date to postop_date are "
                f"{between.iloc[first]:g}"
            )
            found.append(CONTRADICTION.found("warning", message, rows[wrong], "followup_days"))
    low, high = USUAL_FOLLOWUP_DAYS
    outside = (stated < low) | (stated > high)
    if outside.any():
        message = (
            f"{count_of(outside.sum(), 'eye')} measured outside {low}-{high} days after surgery"
        )
        found.append(UNUSUAL.found("warning", message, rows[outside], "followup_days"))
    return found
