"""Acuities that can be read and are still implausible."""

import pandas as pd

from ctt_net.check.finding import Check, Finding
from ctt_net.check.tables.notation import recorded_numbers
from ctt_net.cohort import Cohort, outcome_bounds
from ctt_net.errors import count_of

ALARM_OFF = Check(
    "alarm-off",
    "Inverted-notation alarm switched off",
    "a wrongly declared notation would go unnoticed",
    "take acuity.expect_improvement: false out of cohort.yaml unless most eyes truly got worse",
)
OUTCOME_MISSING = Check(
    "outcome-missing",
    "Outcome missing",
    "an eye without outcome is not trained on, and eyes lost to follow-up are no random sample",
    "check whether the outcome is recorded elsewhere; report how many eyes were lost",
)
ALL_EQUAL = Check(
    "va-all-equal",
    "Acuity the same in every eye",
    "an acuity that is the same in every eye was filled in, not measured",
    "export the measured values again from the source",
)
UNCHANGED = Check(
    "va-unchanged",
    "Acuity unchanged by surgery",
    "surgery changes the acuity of most eyes, so one column was probably copied to the other",
    "export the overwritten column again from the source",
)
GAIN = Check(
    "va-gain-impossible",
    "Implausible change of acuity",
    "a chart spans hardly two logMAR, so such a gain is a typing error or a mixed notation",
    "compare these rows with the patient file",
)
ROUNDED = Check(
    "va-rounded",
    "Acuity rounded to whole numbers",
    "whole numbers only mean that digits were lost, and with them most of the acuity",
    "export the column again as text",
)
OFF_CHART = Check(
    "off-chart-share",
    "Many off-chart acuities",
    "off-chart acuities get their logMAR from a convention, so the results depend on it",
    "review these entries, and report results with and without these eyes",
)

_ENOUGH_EYES = 20
_UNCHANGED_SHARE = 0.5
_GAIN_LOGMAR = 2.0
_SAME_LOGMAR = 0.005
_ROUNDED_SHARE = 0.95
_OFF_CHART_SHARE = 0.20


def acuity_findings(cohort: Cohort) -> list[Finding]:
    """Columns filled in, copied, rounded or impossible."""
    found = []
    if not cohort.spec.acuity.expect_improvement:
        found.append(
            ALARM_OFF.found("warning", "the inverted-unit alarm is switched off in cohort.yaml")
        )
    rows = pd.Series(cohort.rows, index=cohort.table.index)
    unknown = pd.Series(outcome_bounds(cohort.table)[0], index=rows.index).isna()
    if unknown.any():
        message = f"{count_of(unknown.sum(), 'eye')} without postop_va: not used for training"
        found.append(OUTCOME_MISSING.found("warning", message, rows[unknown], "postop_va"))
    for time in ("preop", "postop"):
        found += _of_one_column(cohort, time, rows)
    return found + _of_both_columns(cohort.table, rows)


def _of_one_column(cohort: Cohort, time: str, rows: pd.Series) -> list[Finding]:
    found = []
    table, column = cohort.table, f"{time}_va"
    known = table[f"{time}_logmar"].dropna()
    off = (table[f"{time}_off_chart"] != "") & table[f"{time}_logmar"].notna()
    if len(known) < _ENOUGH_EYES:
        return []
    if (known == known.iloc[0]).all():
        message = f"all {len(known)} known values are {table[column][known.index[0]]!r}"
        return [ALL_EQUAL.found("warning", message, rows[known.index], column)]
    share = off.sum() / len(known)
    if share > _OFF_CHART_SHARE:
        message = f"{off.sum()} of {len(known)} eyes ({share:.0%}) are off the chart"
        found.append(OFF_CHART.found("warning", message, rows[off], column))
    numbers = recorded_numbers(cohort, column)
    if cohort.spec.notation[column] in ("decimal", "logmar") and len(numbers) >= _ENOUGH_EYES:
        whole = numbers == numbers.round()
        if whole.mean() >= _ROUNDED_SHARE:
            message = f"{whole.sum()} of {len(numbers)} values are whole numbers"
            found.append(ROUNDED.found("warning", message, column=column))
    return found


def _of_both_columns(table: pd.DataFrame, rows: pd.Series) -> list[Finding]:
    found = []
    gain = (table["preop_logmar"] - table["postop_logmar"]).dropna()
    constant = any(table[f"{time}_logmar"].nunique() < 2 for time in ("preop", "postop"))
    same = gain.abs() < _SAME_LOGMAR
    if len(gain) >= _ENOUGH_EYES and not constant and same.mean() > _UNCHANGED_SHARE:
        message = (
            f"preop_va and postop_va are equal in {same.sum()} of {len(gain)} eyes "
            f"({same.mean():.0%})"
        )
        found.append(UNCHANGED.found("warning", message, rows[gain.index[same]], "postop_va"))
    on_chart = (table["preop_off_chart"] == "") & (table["postop_off_chart"] == "")
    gain = gain[on_chart[gain.index]]
    far = gain[gain.abs() > _GAIN_LOGMAR]
    if len(far):
        message = (
            f"a change by more than {_GAIN_LOGMAR:g} logMAR on the chart in "
            f"{count_of(len(far), 'eye')}, "
            f"up to {far.abs().max():.2f}"
        )
        found.append(GAIN.found("warning", message, rows[far.index], "postop_va"))
    return found
