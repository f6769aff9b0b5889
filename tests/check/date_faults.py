"""Faults to plant in the dates."""

import pandas as pd

from tests.check.table_faults import fault


def with_dates(cohort):
    """Four dates in order for every eye, the follow-up that of the table."""
    days = cohort.table["followup_days"].astype(int)
    surgery = pd.to_datetime("2023-01-02") + pd.to_timedelta(range(len(days)), unit="D")
    cohort.table["scan_date"] = (surgery - pd.Timedelta(days=20)).strftime("%Y-%m-%d")
    cohort.table["preop_date"] = (surgery - pd.Timedelta(days=9)).strftime("%Y-%m-%d")
    cohort.table["surgery_date"] = surgery.strftime("%Y-%m-%d")
    postop = surgery + pd.to_timedelta(days.to_numpy(), unit="D")
    cohort.table["postop_date"] = postop.strftime("%Y-%m-%d")


@fault("date-unreadable", "error")
def a_date_that_must_be_guessed(cohort):
    with_dates(cohort)
    cohort.table.loc[4, "surgery_date"] = "03/04/2023"
    return [4]


@fault("scan-after-surgery", "error")
def a_scan_taken_after_surgery(cohort):
    with_dates(cohort)
    cohort.table.loc[4, "scan_date"] = cohort.table.loc[4, "postop_date"]
    return [4]


@fault("preop-after-surgery", "error")
def a_preoperative_acuity_of_a_later_visit(cohort):
    with_dates(cohort)
    cohort.table.loc[5, "preop_date"] = "2023-12-30"
    return [5]


@fault("postop-before-surgery", "error")
def an_outcome_from_before_surgery(cohort):
    with_dates(cohort)
    cohort.table.loc[6, ["postop_date", "followup_days"]] = ["2022-12-30", ""]
    return [6]


@fault("date-in-future", "error")
def a_day_that_has_not_come(cohort):
    with_dates(cohort)
    cohort.table.loc[7, ["postop_date", "followup_days"]] = ["2098-01-01", "30"]
    cohort.table.loc[7, "surgery_date"] = "2097-12-02"
    return [7]


@fault("followup-vs-dates", "warning")
def a_followup_of_another_visit(cohort):
    with_dates(cohort)
    cohort.table.loc[8, "followup_days"] = "119"
    return [8]


@fault("followup-unreadable", "error")
def a_followup_in_words(cohort):
    cohort.table.loc[9, "followup_days"] = "a month"
    return [9]


@fault("followup-unusual", "warning")
def an_outcome_of_three_years_later(cohort):
    cohort.table.loc[10, "followup_days"] = "1100"
    return [10]
