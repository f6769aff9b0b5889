"""Rules: value, missing, recode, extract, in this order; words for sides; dates."""

import numpy as np
import pytest

from tests.prepare.conftest import EYES


def with_column(raw, name, cells):
    raw.table([{**eye, name: cell} for eye, cell in zip(EYES, cells, strict=True)])


def test_the_same_value_for_all(raw):
    assert set(raw.say("columns", device={"value": "cirrus"}).eyes()["device"]) == {"cirrus"}


def test_missing_then_extract_then_recode(raw):
    with_column(raw, "Room", ["Room A", "closed", "Room B"])
    rule = {"column": "Room", "missing": ["closed"], "extract": "Room (.)", "recode": {"A": "East"}}
    assert list(raw.say("columns", site=rule).eyes()["site"]) == ["East", "", "B"]


def test_missing_of_one_column_leaves_the_others(raw):
    raw.table([{**EYES[0], "After": "0.1"}, EYES[1]])
    rule = {"column": "After", "notation": "decimal", "missing": ["0.1"]}
    eyes = raw.say("columns", postop_va=rule).eyes()
    assert list(eyes.loc["00017_OD", ["preop_va", "postop_va"]]) == ["0.1", ""]


@pytest.mark.parametrize(("given", "cell"), [("1", "M"), (1, "M"), ("", "not said")])
def test_recode_by_text_number_or_blank(raw, given, cell):
    with_column(raw, "Sex", [str(given), "F", "F"])
    raw.say("columns", site={"column": "Sex", "recode": {given: cell}})
    assert list(raw.eyes()["site"]) == [cell, "F", "F"]


def test_an_extract_that_never_fits_stops(raw):
    raw.say("columns", site={"column": "MRN", "extract": "No (.*)"})
    raw.fails("eyes.csv", "column MRN", "'No (.*)' finds nothing in any of 3 cells", "'00017'")


def test_laterality_out_of_a_path(raw):
    with_column(raw, "Path", ["/a/OD/1", "/a/OS/2", "/b/OD/1"])
    raw.say("columns", laterality={"column": "Path", "extract": "/(OD|OS)/", "OD": []})
    assert list(raw.eyes().index) == ["00017_OD", "00017_OS", "00018_OD"]


@pytest.mark.parametrize("word", ["OD", "od", "R", "r", "Right Eye", "右眼", "1"])
def test_words_for_a_side(raw, word):
    raw.table([{**EYES[0], "Eye": word}])
    words = {"column": "Eye", "OD": ["R", "right eye", "右眼", 1], "OS": ["L"]}
    assert list(raw.say("columns", laterality=words).eyes()["laterality"]) == ["OD"]


def test_an_unknown_word_and_a_blank_are_both_named(raw):
    raw.table([EYES[0], {**EYES[1], "Eye": "both"}, {**EYES[2], "Eye": ""}])
    raw.fails(
        "eyes.csv: 2 problems",
        "row 3, column Eye: 'both' is no word for OD or OS (known: 'L', 'OD', 'OS', 'R')",
        "row 4, column Eye: blank: nobody knows which eye this is",
        "exclude",
    )


@pytest.mark.parametrize(
    ("form", "cells"),
    [
        ("%d.%m.%Y", ["03.02.2024", "3.2.2024", ""]),
        ("%m/%d/%Y", ["02/03/2024", "2/3/2024", "NA"]),
        ("%Y年%m月%d日", ["2024年02月03日", "2024年2月3日", "-"]),
        ("%d %b %Y", ["03 Feb 2024", "3 feb 2024", ""]),
        ("%Y%m%d", ["20240203", "20240203", ""]),
        ("%Y%m%d", ["2024-02-03", "2024-02-03", ""]),
        ("%d/%m/%y %H:%M", ["03/02/24 10:30", "03/02/24 00:00", ""]),
    ],
)
def test_dates_in_a_declared_format(raw, form, cells):
    with_column(raw, "Op", cells)
    raw.say("columns", surgery_date={"column": "Op", "format": form})
    assert list(raw.eyes()["surgery_date"]) == ["2024-02-03", "2024-02-03", ""]


@pytest.mark.parametrize("cell", ["30.02.2024", "02/03/2024", "45321", "soon", "03.02.24"])
def test_a_date_in_another_format_names_its_cell(raw, cell):
    with_column(raw, "Op", ["03.02.2024", cell, ""])
    raw.say("columns", surgery_date={"column": "Op", "format": "%d.%m.%Y"})
    raw.fails("row 3, column Op", repr(cell), "no date in the format %d.%m.%Y")


def test_a_day_that_two_formats_read_differently_stops(raw):
    with_column(raw, "Op", ["2024-02-03", "2024-02-03", ""])
    raw.say("columns", surgery_date={"column": "Op", "format": "%Y-%d-%m"})
    raw.fails("row 2, column Op", "'2024-02-03' may be 2024-02-03 or 2024-03-02")


def test_an_unlikely_year_names_the_tables_own_cell(raw):
    with_column(raw, "Op", ["0204-02-03", "", ""])
    raw.say("columns", surgery_date="Op").fails("row 2, column Op", "unlikely year")


def test_followup_is_computed_from_the_dates(raw):
    with_column(raw, "Op", ["2024-02-03"] * 3)
    rows = [{**eye, "Op": "2024-02-03", "Check": "2024-03-04"} for eye in EYES]
    raw.table(rows)
    raw.say("columns", surgery_date="Op", postop_date="Check")
    assert set(raw.prepare().cohort.table["followup_days"]) == {30.0}


@pytest.mark.parametrize("cell", ["3.30106E+17", "3,3E+17", "3.30106198e+17"])
def test_an_id_that_a_spreadsheet_has_rounded_stops(raw, cell):
    raw.table([EYES[0], {**EYES[1], "MRN": cell}])
    raw.fails("row 3, column MRN", repr(cell), "rounded", "as text")


@pytest.mark.parametrize("time", ["Before", "After"])
def test_an_acuity_that_cannot_be_read_names_the_tables_own_cell(raw, time):
    raw.table([EYES[0], {**EYES[1], time: "20/40"}, {**EYES[2], time: "4.7"}])
    raw.fails(
        "eyes.csv: 2 problems",
        f"row 3, column {time}: cannot read '20/40' in a decimal column",
        "declare the column as snellen",
        f"row 4, column {time}",
        "five_mark",
    )


def test_covariates_name_the_tables_own_cell(raw):
    rows = [{**eye, "Years": years, "Sex": sex} for eye, years, sex in
            zip(EYES, ["61", "old", "-9"], ["1", "2", "3"], strict=True)]  # fmt: skip
    raw.table(rows)
    raw.sections["covariates"] = {
        "age": {"column": "Years", "kind": "numeric", "unit": "years", "missing": ["-9"]},
        "sex": {"column": "Sex", "kind": "categorical", "levels": ["F", "M"],
                "recode": {"1": "M", "2": "F"}},
    }  # fmt: skip
    message = raw.fails(
        "row 3, column Years: 'old' is no number",
        "row 4, column Sex: '3' is none of the declared levels F, M",
        "levels in mapping.yaml",
    )
    assert "cohort.yaml" not in message
    raw.table([{**row, "Years": "61.5", "Sex": "2"} for row in rows])
    assert set(raw.eyes()["sex"]) == {"F"}


def test_off_chart_words_in_a_column_of_their_own(raw):
    with_column(raw, "Word", ["", "HM", "LP"])
    raw.table(
        [
            {**EYES[0], "Before": "0.1", "Word": ""},
            {**EYES[1], "Before": "", "Word": "HM"},
            {**EYES[2], "Before": "0", "Word": "LP"},
        ]
    )
    rule = {"column": "Before", "notation": "decimal", "off_chart_column": "Word"}
    assert list(raw.say("columns", preop_va=rule).eyes()["preop_logmar"]) == ["1", "2.3", "2.7"]


def test_a_word_beside_a_number_is_a_contradiction(raw):
    raw.table([{**EYES[0], "Word": "CF"}])
    rule = {"column": "Before", "notation": "decimal", "off_chart_column": "Word"}
    raw.say("columns", preop_va=rule)
    raw.fails("row 2, column Before: holds '0.1' although the off-chart column says 'CF'")


BOUNDED = {
    "column": "After",
    "notation": "decimal",
    "no_better_than": "Best",
    "no_worse_than": {"column": "Worst"},
}


def after(*cells):
    return [
        {**eye, "After": text, "Best": best, "Worst": worst}
        for eye, (text, best, worst) in zip(EYES, cells, strict=False)
    ]


def test_bounds_of_an_outcome_in_cells_and_in_columns_of_their_own(raw):
    raw.table(after(("", "0.5", "0.3"), ("", "", "0.8"), ("<0.1", "", "")))
    eyes = raw.say("columns", postop_va=BOUNDED).eyes()
    assert list(eyes["postop_va"]) == ["0.3 to 0.5", "0.8 or better", "<0.1"]
    assert list(eyes["postop_lower_logmar"]) == ["0.30103", "", "1.01"]
    assert list(eyes["postop_upper_logmar"]) == ["0.522879", "0.09691", ""]


def test_an_outcome_within_its_bounds_is_taken_as_it_stands(raw):
    raw.table(after(("0.4", "0.5", "0.3"), ("", "0.5", "0.5"), ("0.8", "", "")))
    assert list(raw.say("columns", postop_va=BOUNDED).eyes()["postop_va"]) == ["0.4", "0.5", "0.8"]


def test_bounds_that_contradict_are_named_with_row_and_fix(raw):
    raw.table(after(("", "0.3", "0.5"), ("0.8", "0.5", "0.3"), ("", "CF", "")))
    raw.say("columns", postop_va=BOUNDED)
    raw.fails(
        "row 2, column After: no better than '0.3' and no worse than '0.5' contradict each other",
        "row 3, column After: holds '0.8', which is not within its bounds",
        "row 4, column After: CF is no acuity on a chart",
    )


def test_an_acuity_before_surgery_has_no_bounds(raw):
    rule = {"column": "Before", "notation": "decimal", "no_worse_than": "After"}
    raw.say("columns", preop_va=rule)
    raw.fails("columns.preop_va.no_worse_than", "an input and needs one number")


def test_an_acuity_that_the_expression_does_not_fit_is_no_missing_one(raw):
    raw.table([{"MRN": "1", "Eye": "R", "Before": "VA 0.3", "After": "0.5"},
               {"MRN": "2", "Eye": "R", "Before": "0,3 cc", "After": "0.5"}])  # fmt: skip
    raw.say("columns", preop_va={"column": "Before", "notation": "decimal", "extract": "VA (.*)"})
    raw.fails("row 3, column Before", "'0,3 cc'")


@pytest.mark.parametrize(
    ("date_format", "cells"),
    [
        ("%Y-%m-%d", ["2024-03-02 00:00:00", "2024-03-02T10:30:00.5Z", "2024-03-02 7:05"]),
        ("%d.%m.%Y", ["02.03.2024 10:30", "02.03.2024", "02.03.2024 00:00:00"]),
        ("%d.%m.%Y %H:%M", ["02.03.2024 10:30", "02.03.2024", "02.03.2024 00:00:00"]),
        ("%m/%d/%Y %I:%M %p", ["03/02/2024 10:30 PM", "03/02/2024 12:00 AM", "03/02/2024"]),
    ],
)
def test_a_date_with_a_time_of_day_is_its_day(raw, date_format, cells):
    raw.table([{**row, "Op": day} for row, day in zip(EYES, cells, strict=True)])
    raw.say("columns", surgery_date={"column": "Op", "format": date_format})
    assert list(raw.eyes()["surgery_date"]) == ["2024-03-02"] * 3


def test_date_cells_among_texts_are_never_taken_for_right(raw):
    raw.table([{**row, "Op": day} for row, day in zip(EYES, ["2024-03-02", "13.02.2024", ""],
                                                     strict=True)])  # fmt: skip
    raw.say("columns", surgery_date={"column": "Op", "format": "%d.%m.%Y"})
    raw.fails("row 2, column Op", "exchanged day and month", "date_cells: true")
    declared = {"column": "Op", "format": "%d.%m.%Y", "date_cells": True}
    days = list(raw.say("columns", surgery_date=declared).eyes()["surgery_date"])
    assert days == ["2024-03-02", "2024-02-13", ""]


@pytest.mark.parametrize("ids", [["17.0", "18.0", "19.0"], ["1.2E+9", "2", "3"]])
def test_an_id_that_became_a_number_stops(raw, ids):
    raw.table([{**row, "MRN": mrn} for row, mrn in zip(EYES, ids, strict=True)])
    raw.fails("row 2, column MRN", "made a number of this id")


def test_line_breaks_in_a_header_are_blanks(raw):
    raw.table(
        [{("VA\n before" if k == "Before" else k): v for k, v in row.items()} for row in EYES]
    )
    raw.say("columns", preop_va={"column": "VA before", "notation": "decimal"})
    assert len(raw.eyes()) == len(EYES)


@pytest.mark.parametrize(
    ("number", "cells", "decimals"),
    [
        ("decimal", ["20/40", "0.5", "0,25"], [0.5, 0.5, 0.25]),
        ("logmar", ["6/12", "0.3", "-0.1"], [0.5, 0.501187, 1.258925]),
        ("etdrs", ["20/40", "70", "CF"], [0.5, 0.501187, None]),
        ("five_mark", ["20/40", "4.7", "2"], [0.5, 0.501187, None]),
    ],
)
def test_fractions_and_numbers_in_one_column(raw, number, cells, decimals):
    raw.table([{**row, "Before": cell, "After": "1.0"} for row, cell in
               zip(EYES, cells, strict=True)])  # fmt: skip
    mixed = {"fraction": "snellen", "number": number}
    raw.say("columns", preop_va={"column": "Before", "notation": mixed})
    table = raw.prepare().cohort.table
    for logmar, word, decimal in zip(
        table["preop_logmar"], table["preop_off_chart"], decimals, strict=True
    ):
        assert word if decimal is None else logmar == pytest.approx(-np.log10(decimal), abs=1e-5)
    raw.table([EYES[0], {**EYES[1], "Before": "300"}])
    raw.fails("row 3, column Before: cannot read '300' in a", number, replace=True)


def test_what_a_mixed_notation_may_say(raw):
    for said, notation in (
        ("fraction", {"number": "decimal"}),
        ("number", {"fraction": "snellen"}),
    ):
        raw.say("columns", preop_va={"column": "Before", "notation": notation})
        raw.fails(f"columns.preop_va.notation: {said} must be one of")


def test_texts_are_stripped_and_a_pinhole_is_left_out_by_a_declared_rule(raw):
    cells = ["0.3 (CC)", "(sc)  0.5", "cc0.4 PH 0.8"]
    raw.table([{**row, "Before": cell} for row, cell in zip(EYES, cells, strict=True)])
    rule = {"column": "Before", "notation": "decimal", "strip": ["(cc)", "(sc)", "cc"]}
    raw.say("columns", preop_va=rule).fails("row 4, column Before", "'0.4 PH 0.8'")
    raw.say("columns", preop_va={**rule, "extract": r"(?i)^(.*?) *\bPH\b"})
    assert list(raw.eyes()["preop_va"]) == ["0.3", "0.5", "0.4"]


def test_a_word_is_not_stripped_out_of_another(raw):
    raw.say("columns", site={"column": "Site", "strip": ["R"]})
    with_column(raw, "Site", ["r north", "north r", "rr"])
    assert list(raw.eyes()["site"]) == ["north", "north", "rr"]
