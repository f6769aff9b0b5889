"""One row per visit."""

import itertools

import pytest

from tests.prepare.balance import balance

DAYS = {
    "column": "Day",
    "preop": {"between": [-90, 0], "nearest": 0},
    "postop": {"between": [14, 120], "nearest": 30},
}
NAMES = {"column": "Visit", "preop": ["base"], "postop": ["M3", "M1"]}


@pytest.fixture
def visits(raw):
    raw.say("table", one_row_per="visit")
    raw.say("columns", preop_va={"column": "VA", "notation": "decimal"})
    raw.say("columns", postop_va={"column": "VA", "notation": "decimal"})

    def write(rule, *rows, **more):
        raw.sections["visit"] = rule
        names = ["MRN", "Eye", rule["column"], "VA", *more]
        raw.table([names, *([*row, *rest] for row, *rest in
                   itertools.zip_longest(rows, *more.values(), fillvalue=""))])  # fmt: skip
        return raw

    return write


def before_and_after(raw, eye="1_OD"):
    return tuple(raw.eyes().loc[eye, ["preop_va", "postop_va"]])


def test_named_visits_in_order_of_preference(visits):
    rows = [["1", "R", "base", "0.1"], ["1", "R", "M1", "0.5"], ["1", "R", "M3", "0.8"]]
    raw = visits(NAMES, *rows, ["1", "R", "M6", "0.9"])
    assert before_and_after(raw) == ("0.1", "0.8")
    assert balance(raw.out)[0] == {"neither the visit before nor the one after": 2}


def test_a_visit_with_an_acuity_goes_before_one_without(visits):
    rows = [["1", "R", "base", "0.1"], ["1", "R", "M1", "0.5"], ["1", "R", "M3", "NA"]]
    assert before_and_after(visits(NAMES, *rows)) == ("0.1", "0.5")


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::17])
def test_the_nearest_day_whatever_the_order_of_rows(visits, order):
    rows = [["-80", "0.1"], ["-3", "0.2"], ["20", "0.5"], ["40", "0.6"], ["130", "0.7"]]
    raw = visits(DAYS, *(["1", "R", *rows[at]] for at in order))
    assert before_and_after(raw) == ("0.2", "0.5")  # of 20 and 40 days the earlier one


def test_first_and_last(visits):
    rule = {"column": "No", "preop": "first", "postop": "last"}
    rows = [["1", "R", "10", "0.9"], ["1", "R", "2", "0.1"], ["1", "R", "3", "0.2"]]
    assert before_and_after(visits(rule, *rows)) == ("0.1", "0.9")


def test_one_visit_is_never_both(visits):
    rule = {"column": "No", "preop": "first", "postop": "last"}
    assert before_and_after(visits(rule, ["1", "R", "1", "0.1"])) == ("0.1", "")


def test_after_is_later_than_before(visits):
    rule = {"column": "Day", "preop": {"between": [-9, 9]}, "postop": {"between": [-20, 20]}}
    rows = [["1", "R", "0", "0.1"], ["1", "R", "-5", "0.2"], ["1", "R", "15", "0.5"]]
    assert before_and_after(visits(rule, *rows)) == ("0.1", "0.5")


def test_an_eye_without_a_visit_before_is_left_out_and_counted(visits):
    raw = visits(NAMES, ["1", "R", "base", "0.1"], ["1", "L", "M1", "0.5"], ["2", "R", "M1", "0.5"])
    assert list(raw.eyes().index) == ["1_OD"]
    assert balance(raw.out)[0] == {"of an eye without a visit before surgery": 2}


def test_rows_of_one_visit_must_agree(visits):
    rows = [["1", "R", "base", "0.1"], ["1", "R", "M1", "0.5"]]
    raw = visits(NAMES, *rows, rows[0], rows[0])
    assert before_and_after(raw) == ("0.1", "0.5")
    assert balance(raw.out) == ({}, 2)
    raw.out = raw.folder / "second"
    visits(NAMES, *rows, ["1", "R", "base", "0.2"])
    message = raw.fails("row 4, column VA: '0.2', but row 2 of the same visit says '0.1'")
    assert message.count("row 4") == 1


def test_one_number_in_two_spellings_is_one_visit(visits):
    raw = visits(DAYS, ["1", "R", "0", "0.1"], ["1", "R", "0.0", "0.5"])
    raw.fails("row 3, column VA: '0.5', but row 2 of the same visit says '0.1'")


def test_errors_name_the_row_of_the_visit(visits):
    raw = visits(NAMES, ["1", "R", "base", "0.1"], ["2", "R", "base", "0.1"], ["1", "R", "M3", "7"])
    raw.fails("row 4, column VA: cannot read '7'")


def test_pictures_of_one_visit_that_name_different_files_stop(visits):
    raw = visits(
        NAMES, ["1", "R", "base", "0.1"], ["1", "R", "base", "0.1"], File=["a.png", "b.png"]
    )
    raw.sections["scans"] = {"folder": ".", "columns": {"horizontal": "File"}}
    raw.fails("row 3, column File: 'b.png', but row 2 of the same visit says 'a.png'")


@pytest.mark.parametrize("cell", ["", "M1"])
def test_a_visit_that_is_no_number(visits, cell):
    visits(DAYS, ["1", "R", cell, "0.1"]).fails("row 2, column Day", "no number", repr(cell))


def test_a_visit_without_a_name(visits):
    visits(NAMES, ["1", "R", "", "0.1"]).fails("row 2, column Visit", "says no visit")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"preop": ["1"]}, "visit: column is missing"),
        ({"column": "V", "postop": ["1"]}, "visit.preop is missing"),
        ({"column": "V", "preop": "1"}, "visit.preop must be first, last, a list"),
        ({"column": "V", "preop": []}, "visit.preop must be first, last, a list"),
        ({"column": "V", "preop": {"between": [0]}}, "visit.preop.between must be two numbers"),
        ({"column": "V", "preop": {"between": [3, 1]}}, "exchange them"),
        ({"column": "V", "preop": ["1"], "postop": "last"}, "both name visits, or both count"),
        ({"column": "V", "preop": ["1"]}, "visit.postop and columns.postop_va belong together"),
        ({"column": "V", "preop": ["1"], "after": ["2"]}, "unknown key 'after'"),
    ],
)
def test_a_visit_section_that_says_too_little(raw, rule, said):
    raw.say("table", one_row_per="visit")
    raw.sections["visit"] = rule
    raw.fails("mapping.yaml", said)
