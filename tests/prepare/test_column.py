"""What the cells of one column say: missing, notation, dates, sides, persons, covariates."""

import pandas as pd
import pytest

from ctt_net.prepare.draft.column import Column, covariate_rule
from ctt_net.prepare.draft.column_names import is_personal, side_pairs
from ctt_net.prepare.draft.evidence import (
    acuity_evidence,
    date_formats,
    says_side,
    side_words,
)


def column(*cells, times=1):
    return Column.of("x", pd.Series([*cells] * times, dtype=object))


@pytest.mark.parametrize(
    ("cells", "missing"),
    [
        (["58", "33", "-9", "71"], {"-9"}),
        (["0.3", "0.5", "999", "NULL"], {"999", "NULL"}),
        (["250", "999", "430", "388"], set()),  # a thickness of 999 um may be one
        (["-30", "-9", "0", "14"], set()),  # days before surgery
        (["none", "mild", "n/a", ""], {"n/a"}),  # "none" may be an answer
    ],
)
def test_codes_for_missing_stand_far_from_all_others(cells, missing):
    assert set(column(*cells).missing) == missing


@pytest.mark.parametrize(
    ("cells", "certain", "possible"),
    [
        (["20/40", "20/60-2", "CF", "6/9"], "snellen", {"snellen"}),
        (["55", "71", "80", "33"], "etdrs", {"etdrs"}),
        (["-0.1", "-0.08", "-0.2", "0.3"], "logmar", {"logmar"}),
        (["0.3", "0.5", "0.8", "1.0"], None, {"decimal", "logmar"}),
        (["0.3", "0.5", "1.2", "-0.1"], None, {"logmar"}),  # one cell may be a slip
        (["4.7", "4.9", "5.0", "4.2"], "five_mark", {"five_mark"}),
    ],
)
def test_notation_is_certain_only_where_no_other_reads(cells, certain, possible):
    evidence = acuity_evidence(column(*cells))
    assert evidence.certain == certain
    assert set(evidence.possible) >= possible
    if certain is None:
        assert possible & {"logmar"}


def test_off_chart_words_are_no_evidence():
    evidence = acuity_evidence(column("CF", "HM 30cm", "指数", "0.5"))
    assert (evidence.off_chart, evidence.on_chart) == (3, 1)


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (["03.02.2024", "12.03.2024"], {"%d.%m.%Y", "%m.%d.%Y"}),
        (["03.02.2024", "13.03.2024"], {"%d.%m.%Y"}),
        (["2/13/2024", "2/3/2024"], {"%m/%d/%Y"}),
        (["2024-02-03", "2024-02-13"], {"%Y-%m-%d"}),
        (["2024年2月3日"], {"%Y年%m月%d日"}),
        (["20240203", "20241231"], {"%Y%m%d"}),
        (["2024/2/3 10:15"], {"%Y/%m/%d"}),  # a time of day is left out
        (["3 Feb 2024", "Feb 3, 2024", "4 Feb 2024"] * 5, set()),  # two forms,
    ],
)
def test_formats_of_dates(cells, formats):
    assert set(date_formats(column(*cells))) == formats


@pytest.mark.parametrize("cells", [["0.5", "20/40"], ["00012", "00013"], ["R"], [""], ["99999999"]])
def test_what_is_no_date(cells):
    assert date_formats(column(*cells)) == ()


def test_sides_are_read_by_words_only():
    assert side_words(column("右眼", "左眼")) == {"OD": ["右眼"], "OS": ["左眼"], "": []}
    assert not says_side(column("1", "2"))
    assert says_side(column("R", "L", "OU", "R", "L"))
    assert side_words(column("R", "L", "OU"))[""] == ["OU"]


def test_columns_that_differ_in_the_side_are_pairs():
    names = ["ID", "VA_OD_pre", "VA_OS_pre", "右眼术后视力", "左眼术后视力", "AL OD", "age"]
    assert side_pairs(names) == [
        {"OD": "VA_OD_pre", "OS": "VA_OS_pre"},
        {"OD": "右眼术后视力", "OS": "左眼术后视力"},
    ]


@pytest.mark.parametrize(
    ("name", "personal"),
    [
        ("Nachname", True),
        ("DOB", True),
        ("联系方式", True),
        ("Surgeon", True),
        ("Device name", False),
        ("Image filename", False),
        ("Stage", False),
    ],
)
def test_columns_of_persons(name, personal):
    assert is_personal(name) == personal


def test_names_under_any_title_are_free_text():
    assert column("Ann Lee", "Bo Li", "Cy Orr", "Di Poe", "Ed Roy").is_free_text
    assert not column("mild", "severe", "mild", "mild", "severe").is_free_text
    assert not column("A1", "B2", "C3", "D4", "E5").is_free_text


@pytest.mark.parametrize(
    ("cells", "unit", "expected"),
    [
        (["61", "73.5", "80"], "years", {"kind": "numeric", "unit": "years"}),
        (["0", "1"], "", {"kind": "binary"}),
        (["yes", "no"], "", {"kind": "binary", "recode": {"no": 0, "yes": 1}}),
        (["a", "b", "c"], "", {"kind": "categorical", "levels": ["a", "b", "c"]}),
        (["1", "2", "-9"], "", {"kind": "categorical", "levels": ["1", "2"], "missing": ["-9"]}),
    ],
)
def test_kind_of_covariate_is_from_its_cells(cells, unit, expected):
    rule, _ = covariate_rule(column(*cells, times=4), unit)
    assert rule == {"column": "x", **expected}


@pytest.mark.parametrize("cells", [["0,5", "0,6"], ["same"], ["20231401", "20231977"]])
def test_what_is_no_covariate(cells):
    rule, why = covariate_rule(column(*cells))
    assert rule is None
    assert "2023" not in why  # two numbers of patients would be their range
