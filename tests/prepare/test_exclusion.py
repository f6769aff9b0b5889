"""Who is left out, why, and what an eye must have."""

import pytest

from tests.prepare.balance import balance
from tests.prepare.conftest import EYES

ROWS = [
    {**EYES[0], "PCR": "yes", "Age": "61"},
    {**EYES[1], "PCR": "no", "Age": "17.5"},
    {**EYES[2], "PCR": "", "Age": "90", "After": ""},
    {"MRN": "3", "Eye": "L", "Before": "0.1", "After": "0.5", "PCR": "no", "Age": "91"},
    {"MRN": "4", "Eye": "L", "Before": "NA", "After": "0.5", "PCR": "no", "Age": ""},
]
RUPTURE = {"reason": "rupture", "column": "PCR", "is": ["yes"]}


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([RUPTURE], {"rupture": 1}),
        ([{"reason": "not said", "column": "PCR", "missing": True}], {"not said": 1}),
        ([{"reason": "young", "column": "Age", "below": 18}], {"young": 1}),
        ([{"reason": "old", "column": "Age", "above": 90}], {"old": 1}),
        ([{"reason": "age", "column": "Age", "below": 18, "above": 89.5}], {"age": 3}),
        ([{"reason": "age", "column": "Age", "missing": True, "below": 18}], {"age": 2}),
        ([RUPTURE, {"reason": "right", "column": "Eye", "is": ["R"]}], {"rupture": 1, "right": 1}),
        ([{"reason": "right", "column": "Eye", "is": ["R"]}, RUPTURE], {"right": 2}),
    ],
)
def test_every_row_is_counted_at_its_first_reason(raw, lines, left):
    raw.table(ROWS)
    raw.sections["exclude"] = lines
    assert len(raw.eyes()) == len(ROWS) - sum(left.values())
    assert balance(raw.out) == (left, 0)


@pytest.mark.parametrize(("word", "told"), [("yse", 1), ("yes", 0)])
def test_a_word_that_no_row_holds_is_told(raw, word, told):
    raw.table(ROWS)
    raw.sections["exclude"] = [{**RUPTURE, "is": [word]}]
    remarks = raw.prepare().remarks
    assert len(remarks) == told
    assert all("(rupture): no cell holds 'yse'" in text for text in remarks)


def test_a_bound_on_a_word_stops(raw):
    raw.table([*ROWS, {**EYES[1], "MRN": "9", "Age": "old"}])
    raw.sections["exclude"] = [{"reason": "young", "column": "Age", "below": 18}]
    raw.fails("eyes.csv, row 7, column Age: 'old' is no number", "(young)", "table.missing")
    raw.sections["exclude"].insert(0, {"reason": "x", "column": "Age", "is": ["old"]})
    assert len(raw.eyes()) == 4


def test_what_is_left_out_may_be_wrong(raw):
    raw.table([*ROWS, {"MRN": "", "Eye": "?", "Before": "x", "After": "", "PCR": "yes"}])
    raw.sections["exclude"] = [RUPTURE]
    assert len(raw.eyes()) == 4


@pytest.mark.parametrize(
    ("require", "left"),
    [
        (["postop_va"], {"no postoperative acuity": 1}),
        (["preop_va"], {"no preoperative acuity": 1}),
        (["preop_va", "postop_va"], {"no preoperative acuity": 1, "no postoperative acuity": 1}),
    ],
)
def test_requirements(raw, require, left):
    raw.table(ROWS)
    raw.sections["require"] = require
    raw.prepare()
    assert balance(raw.out) == (left, 0)


def test_the_window_of_follow_up(raw):
    days = ["13", "14", "120", "121", ""]
    raw.table([{**row, "Days": day} for row, day in zip(ROWS, days, strict=True)])
    raw.say("columns", followup_days="Days")
    raw.sections["followup_window_days"] = [14, 120]
    assert list(raw.eyes()["followup_days"]) == ["14", "120", ""]
    assert balance(raw.out) == ({"measured outside 14 to 120 days after surgery": 2}, 0)


def test_the_window_of_follow_up_from_dates(raw):
    dates = ["2024-01-14", "2024-01-15", "2024-04-30", "2024-05-01", ""]
    rows = [{**r, "Op": "2024-01-01", "Check": d} for r, d in zip(ROWS, dates, strict=True)]
    raw.table(rows)
    raw.say("columns", surgery_date="Op", postop_date="Check")
    raw.sections["followup_window_days"] = [14, 120]
    assert list(raw.eyes()["postop_date"]) == ["2024-01-15", "2024-04-30", ""]


def test_nobody_left_shows_why(raw):
    raw.sections["exclude"] = [{"reason": "everybody", "column": "MRN", "above": 0}]
    raw.fails("mapping.yaml: no eye is left", "everybody", "3")


def test_an_acuity_from_before_the_surgery_is_a_mistake_and_no_reason(raw):
    seen = ["2024-05-01", "2024-06-01"]
    rows = [{**r, "Op": "2024-05-02", "Seen": d} for r, d in zip(ROWS, seen, strict=False)]
    raw.table(rows)
    raw.say("columns", surgery_date="Op", postop_date="Seen")
    raw.sections["followup_window_days"] = [14, 120]
    raw.fails("row 2, column Seen", "does not lie after the surgery")
