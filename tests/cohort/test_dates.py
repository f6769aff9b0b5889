"""Dates are read in one spelling only, and fill the follow-up where it is not given."""

import datetime

import pandas as pd
import pytest

from ctt_net.cohort import inspect_cohort, read_cohort
from ctt_net.cohort.dates import DATE_COLUMNS, read_dates
from ctt_net.errors import InputError

WRONG = [
    ("45321", "day count"),
    ("45321.5", "day count"),
    ("06/09/2024", "never guessed"),
    ("6.9.24", "never guessed"),
    ("09-06-2024", "never guessed"),
    ("2024-02-30", "no day of the calendar"),
    ("2023-02-29", "no day of the calendar"),
    ("2024-13-01", "no day of the calendar"),
    ("2024-00-10", "no day of the calendar"),
    ("2024-06-09 00:00:00", "time of day"),
    ("2024-06-09T10:30Z", "time of day"),
    ("0202-06-09", "unlikely year"),
    ("2024/06/09", "yyyy-mm-dd"),
    ("2024-6-9", "yyyy-mm-dd"),
    ("20240609", "yyyy-mm-dd"),
    ("9 Jun 2024", "yyyy-mm-dd"),
    ("2024-06", "yyyy-mm-dd"),
    ("2024", "yyyy-mm-dd"),
    ("soon", "yyyy-mm-dd"),
    ("２０２４-06-09", "yyyy-mm-dd"),
    ("2024-06-09x", "yyyy-mm-dd"),
]


@pytest.mark.parametrize(("text", "words"), WRONG, ids=[text for text, _ in WRONG])
def test_any_other_spelling_names_row_column_value_and_cure(make_cohort, eye, text, words):
    root = make_cohort([eye(0, surgery_date="2024-06-09"), eye(1, surgery_date=text)])
    (problem,) = (p for p in inspect_cohort(root)[1] if p.severity == "error")
    assert (problem.row, problem.column) == (3, "surgery_date")
    assert repr(text) in problem.message
    assert words in problem.message
    assert "write it like 2024-06-09" in problem.message


def test_every_day_of_four_centuries_is_read_as_the_calendar_has_it():
    days = pd.date_range("1900-01-01", "2199-12-31")
    read, problems = read_dates(pd.Series(days.strftime("%Y-%m-%d")), "scan_date")
    assert problems == []
    assert (read.to_numpy() == days.to_numpy()).all()


def test_unknown_days_are_no_problem():
    read, problems = read_dates(pd.Series(["", " ", "NA", "n/a", "unknown"]), "scan_date")
    assert problems == []
    assert read.isna().all()
    assert read.dtype == "datetime64[ns]"


def test_dates_stay_text_in_the_table(make_cohort, eye):
    rows = [eye(0, **dict.fromkeys(DATE_COLUMNS, " 2024-06-09 ")), eye(1, scan_date="NA")]
    table = read_cohort(make_cohort(rows)).table
    for column in DATE_COLUMNS:
        assert table[column].tolist() == ["2024-06-09", ""]


def test_the_follow_up_is_filled_where_it_is_not_given(make_cohort, eye):
    days = {"surgery_date": "2024-02-28", "postop_date": "2024-03-30"}
    rows = [
        eye(0, **days),
        eye(1, **days, followup_days="40"),  # a contradiction is shown, not settled, here
        eye(2, surgery_date="2024-02-28"),
        eye(3, surgery_date="2024-03-30", postop_date="2024-02-28"),
        eye(4, followup_days="NA", **days),
    ]
    expected = [31.0, 40.0, None, None, 31.0]
    filled = read_cohort(make_cohort(rows)).table["followup_days"]
    assert [None if pd.isna(x) else x for x in filled] == expected
    for row in rows:
        row.pop("followup_days", None)
    filled = read_cohort(make_cohort(rows)).table["followup_days"]
    assert [None if pd.isna(x) else x for x in filled] == [31.0, 31.0, None, None, 31.0]


def test_days_given_to_the_writer_as_days_are_written_as_days(make_cohort, eye):
    from ctt_net.cohort import write_cohort

    root = make_cohort([eye(0), eye(1)])
    table = pd.DataFrame([eye(0), eye(1)])
    table["surgery_date"] = [pd.Timestamp("2024-02-28"), pd.NaT]
    table["postop_date"] = [datetime.date(2024, 3, 30), None]
    written = write_cohort(root, read_cohort(root).spec, table)
    assert written.table["surgery_date"].tolist() == ["2024-02-28", ""]
    assert written.table["followup_days"].iloc[0] == 31.0


@pytest.mark.parametrize("column", [*DATE_COLUMNS, "followup_days"])
def test_a_date_is_no_covariate(make_cohort, eye, spec_text, column):
    spec = spec_text.replace("age_years:", f"{column}:")
    with pytest.raises(InputError, match=f"covariates.{column}"):
        read_cohort(make_cohort([eye(0, **{column: ""})], spec))
