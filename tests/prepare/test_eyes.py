"""One row per eye, and one row per patient."""

import pytest

from tests.prepare.balance import balance
from tests.prepare.conftest import EYES

SIDES = {
    "patient_id": "MRN",
    "preop_va": {"OD": "R before", "OS": "L before", "notation": "decimal"},
    "postop_va": {"OD": "R after", "OS": "L after", "notation": "decimal"},
}
PEOPLE = [
    ["MRN", "R before", "R after", "L before", "L after", "Age"],
    ["1", "0.1", "0.8", "", "", "60"],
    ["2", "0.2", "1.0", "CF", "0.5", "70"],
    ["3", "", "", "NA", "-", "80"],
]


@pytest.fixture
def people(raw):
    raw.table(PEOPLE)
    raw.say("table", one_row_per="patient")
    raw.sections["columns"] = dict(SIDES)
    return raw


def test_a_side_without_cells_is_no_eye(people):
    eyes = people.eyes()
    assert list(eyes.index) == ["1_OD", "2_OD", "2_OS"]
    assert eyes.loc["2_OS", "preop_va"] == "CF"
    left, _ = balance(people.out)
    assert left == {"no cell of either eye is filled": 1}


def test_a_column_without_a_side_belongs_to_both(people):
    people.sections["covariates"] = {"age": {"column": "Age", "kind": "numeric"}}
    assert list(people.eyes()["age"]) == ["60", "70", "70"]


def test_errors_name_the_column_of_the_side(people):
    people.table([*PEOPLE, ["4", "0.1", "0.2", "0.1", "20/40", "60"]])
    people.fails("row 5, column L after: cannot read '20/40'")


def test_the_side_is_said_by_the_columns(people):
    people.say("columns", laterality={"column": "Eye", "OD": ["R"]})
    people.fails("columns.laterality", "says it by its columns")


def test_one_person_twice(people):
    people.table([*PEOPLE, PEOPLE[1]])
    people.prepare()
    assert balance(people.out)[1] == 1
    people.out = people.folder / "second"
    people.table([*PEOPLE, ["1", "0.1", "0.9", "", "", "60"]])
    people.fails("row 5: a second row for eye 1 OD (row 2 is the first)", "another R after")


def test_an_id_per_side(people):
    people.table([[*PEOPLE[0], "R no", "L no"], *([*row, "7", "7"] for row in PEOPLE[1:3])])
    people.say("columns", eye_id={"OD": "R no", "OS": "L no"})
    people.fails("eyes.csv", "row 3")


def test_rows_that_say_the_same_are_one(raw):
    raw.table([*EYES, EYES[0], EYES[0]])
    assert len(raw.eyes()) == 3
    assert balance(raw.out) == ({}, 2)


def test_rows_that_contradict_each_other_name_both(raw):
    raw.table([*EYES, {**EYES[0], "After": "0.9"}])
    raw.fails(
        "eyes.csv",
        "row 5: a second row for eye 00017 OD (row 2 is the first), with another After",
        "exclude",
        "one_row_per: visit",
    )


def test_ids_of_eyes(raw):
    raw.table([{**eye, "No": str(n)} for n, eye in enumerate(EYES, 1)])
    assert list(raw.say("columns", eye_id="No").eyes().index) == ["1", "2", "3"]
    raw.out = raw.folder / "second"
    raw.table([{**eye, "No": str(n // 2)} for n, eye in enumerate(EYES, 1)])
    raw.fails("row 4: a second row for eye 1 (row 3 is the first)")


def test_two_ids_for_one_eye_name_the_tables_rows(raw):
    raw.table([[], ["MRN", "Eye", "Before", "After", "No"], *([*e.values(), str(n)] for n, e in
               enumerate([EYES[0], EYES[1], EYES[0]]))])  # fmt: skip
    raw.say("table", header_row=2).say("columns", eye_id="No")
    raw.fails("row 3", "stands again in row 5")


def test_a_split_that_parts_a_patient_names_the_tables_rows(raw):
    raw.table([{**eye, "Set": part} for eye, part in zip(EYES, ["train", "test", ""], strict=True)])
    raw.say("columns", split="Set").fails("row 3, column Set", "in row 2", "'00017'")


def test_rows_are_left_out_where_no_column_says_the_id(raw):
    raw.table([EYES[0], {**EYES[1], "Eye": "both"}])
    raw.say("columns", eye_id={"value": "only"})
    raw.sections["exclude"] = [{"reason": "two eyes", "column": "Eye", "is": ["both"]}]
    assert list(raw.eyes().index) == ["only"]


@pytest.mark.parametrize("cell", ["", "  "])
def test_no_patient_no_cohort(raw, cell):
    raw.table([EYES[0], {**EYES[1], "MRN": cell}])
    raw.fails("row 3, column MRN: blank: no patient, no split")
