"""Every key that compares words compares alike, and says which words match nothing."""

import pytest

from tests.prepare.conftest import EYES

YES = ["Yes", "YES", "yes ", "ｙｅｓ", " no"]
ROWS = [
    {"MRN": f"{n}", "Eye": "R", "Before": "0.1", "After": "0.5", "PCR": word, "Code": code}
    for n, (word, code) in enumerate(zip(YES, ["2.50", "2.5", "2,5", "2.500", "3"], strict=True), 1)
]


@pytest.mark.parametrize(("column", "word"), [("PCR", "yes"), ("Code", "2.5")])
def test_exclude(raw, column, word):
    raw.table(ROWS)
    raw.sections["exclude"] = [{"reason": "out", "column": column, "is": [word]}]
    assert list(raw.eyes()["patient_id"]) == ["5"]


@pytest.mark.parametrize("where", ["table", "column"])
def test_missing(raw, where):
    raw.table([{**row, "Age": age} for row, age in zip(ROWS, ["-9", "-9.0", "−9", "-9,0", "61"],
                                                       strict=True)])  # fmt: skip
    age = {"column": "Age", "kind": "numeric"}
    raw.say("covariates", age=age if where == "table" else {**age, "missing": ["-9"]})
    if where == "table":
        raw.say("table", missing=["-9"])
    assert list(raw.eyes()["age"]) == ["", "", "", "", "61"]


def test_recode_and_levels(raw):
    raw.table(ROWS)
    raw.say(
        "covariates", rupture={"column": "PCR", "kind": "binary", "recode": {"YES": 1, "no": 0}}
    )
    raw.say("covariates", word={"column": "PCR", "kind": "categorical", "levels": ["yes", "NO"]})
    table = raw.prepare().cohort.table
    assert list(table["rupture"]) == [1, 1, 1, 1, 0]
    assert list(table["word"]) == ["yes"] * 4 + ["NO"]


def test_eyes(raw):
    words = {"column": "Eye", "OD": ["Rechts"], "OS": ["links"]}
    raw.table([{**row, "Eye": eye} for row, eye in zip(EYES, ["rechts ", "LINKS", "ｒｅｃｈｔｓ"],
                                                       strict=True)])  # fmt: skip
    assert list(raw.say("columns", laterality=words).eyes()["laterality"]) == ["OD", "OS", "OD"]


def test_visits(raw):
    rows = [("Pre", "0.1"), ("pre ", "0.1"), ("3 Months", "0.8")]
    raw.table([{"MRN": "1", "Eye": "R", "V": visit, "Before": va} for visit, va in rows])
    raw.say("table", one_row_per="visit")
    raw.say("columns", postop_va={"column": "Before", "notation": "decimal"})
    raw.say("visit", column="V", preop=["PRE"], postop=["3  months"])
    assert list(raw.eyes()["postop_va"]) == ["0.8"]


def test_a_word_of_two_meanings_is_refused(raw):
    raw.say("columns", site={"column": "Eye", "recode": {"R": "a", "r": "b"}})
    raw.fails("columns.site.recode", "'R' and 'r' are one word")
    raw.say("columns", site=None)
    raw.say("covariates", sex={"column": "Eye", "kind": "categorical", "levels": ["R", "r"]})
    raw.fails("covariates.sex: levels", "'R' and 'r' are one word")


def test_words_that_no_cell_holds_are_named(raw):
    raw.table(ROWS)
    raw.say("table", missing=["NULL"])
    raw.say("columns", laterality={"column": "Eye", "OD": ["R", "right"], "OS": ["L"]})
    raw.say("columns", site={"column": "PCR", "recode": {"oui": "a"}, "missing": ["-1"]})
    raw.say("covariates", w={"column": "PCR", "kind": "categorical", "levels": ["yes", "no", "?!"]})
    raw.sections["exclude"] = [{"reason": "out", "column": "PCR", "is": ["yes", "yse"]}]
    assert raw.prepare().remarks == (
        "table.missing: no cell holds 'NULL'; look how the table spells it",
        "exclude (out): no cell holds 'yse'; look how the table spells it",
        "columns.site.missing: no cell holds '-1'; look how the table spells it",
        "columns.site.recode: no cell holds 'oui'; look how the table spells it",
        "columns.laterality: no cell holds 'L', 'right'; look how the table spells it",
        "covariates.w.levels: no cell holds '?!'; look how the table spells it",
    )


def test_a_code_that_lost_its_zeros_is_named(raw):
    raw.table([EYES[0], {**EYES[1], "MRN": "17"}, EYES[2]])
    raw.sections["exclude"] = [{"reason": "left", "column": "MRN", "is": ["00017"]}]
    done = raw.prepare()
    assert list(done.cohort.table["patient_id"]) == ["17", "00018"]
    assert any("'00017' is not taken for '17'" in remark for remark in done.remarks)


def test_patients_of_two_spellings_are_named_by_row(raw):
    raw.table([EYES[0], {**EYES[1], "MRN": "17"}, EYES[2]])
    (remark,) = raw.prepare().remarks
    assert "row 3, column MRN: '17' and '00017' in row 2 may be one patient" in remark
