"""Names of columns and numbers of rows, as the spreadsheet shows them."""

from pathlib import Path

from ctt_net.prepare.tables.grid import grid_table
from tests.prepare.conftest import EYES

CELLS = [list(eye.values()) for eye in EYES]
LETTERS = {
    "patient_id": "A",
    "laterality": {"column": "B", "OD": ["R"], "OS": ["L"]},
    "preop_va": {"column": "C", "notation": "decimal"},
    "postop_va": {"column": "D", "notation": "decimal"},
}


def test_without_a_header_columns_have_letters(raw):
    raw.table(CELLS)
    raw.sections["columns"] = LETTERS
    assert len(raw.say("table", header_row=0).eyes()) == 3
    raw.table([*CELLS, ["9", "X", "0.1", "0.1"]])
    raw.out = raw.folder / "second"
    raw.fails("row 4, column B: 'X'")


def test_rows_are_counted_as_the_spreadsheet_counts(raw):
    raw.table([["Our eyes"], [], list(EYES[0]), CELLS[0], [], [], ["1", "?", "0.1", "0.2"]])
    raw.say("table", header_row=3).fails("eyes.csv", "row 7, column Eye: '?'")


def test_a_header_row_that_is_blank(raw):
    raw.table([["Our eyes"], [], list(EYES[0]), *CELLS])
    raw.say("table", header_row=2).fails("row 2 is blank", "names of the columns")


def test_a_name_that_stands_twice_must_be_chosen_by_its_letter(raw):
    names = ["MRN", "Eye", "VA", "VA"]
    raw.table([names, *CELLS])
    raw.say("columns", preop_va={"column": "VA", "notation": "decimal"})
    raw.say("columns", postop_va={"column": "VA (D)", "notation": "decimal"})
    raw.fails("no column 'VA'", "columns.preop_va", "stands 2 times", "'VA (C)'", "'VA (D)'")
    raw.say("columns", preop_va={"column": "VA (C)", "notation": "decimal"})
    eyes = raw.eyes()
    assert (eyes.loc["00018_OD", "preop_va"], eyes.loc["00018_OD", "postop_va"]) == ("CF", "0.5")


def test_a_column_without_a_name_is_asked_for_by_its_letter(raw):
    raw.table([["MRN", "Eye", "Before", "", "Note"], *([*row, "x"] for row in CELLS)])
    raw.say("columns", postop_va={"column": "(D)", "notation": "decimal"})
    assert list(raw.eyes()["postop_va"]) == ["0.8", "1.0", "0.5"]


def test_names_that_only_seem_different(raw):
    raw.table([["MRN", "Eye", "VA", "VA", "VA (C)"], *([*row, "0.7"] for row in CELLS)])
    raw.fails("eyes.csv", "'VA (C)'", "rename")


def test_blank_columns_at_the_end_are_none(raw):
    raw.table([[*EYES[0], "", ""], *([*row, "", ""] for row in CELLS)])
    assert len(raw.eyes()) == 3


def test_short_rows_are_filled(raw):
    raw.table([[*EYES[0], "Note"], *CELLS])
    assert len(raw.say("columns", site="Note").eyes()) == 3


def test_names_of_two_rows_are_joined():
    lines = [["Title"], ["MRN", "Age", "Before", "", "After"], ["", "", "OD", "OS", "OD", "Site"]]
    table = grid_table([*lines, ["1", "60", "0.1", "0.2", "0.8", "A"]], (2, 3), Path("t"))
    assert list(table.columns) == ["MRN", "Age", "Before OD", "Before OS", "After OD", "Site"]
    assert list(table.index) == [4]
