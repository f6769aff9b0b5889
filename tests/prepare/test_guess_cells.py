"""What the cells of one column say: missing, notation, dates, sides, persons, covariates."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.prepare.draft.guess_acuity import acuity_evidence, direction_signs
from ctt_net.prepare.draft.guess_covariates import covariate_rule
from ctt_net.prepare.draft.guess_dates import guess_dates
from ctt_net.prepare.draft.guess_facts import facts_of
from ctt_net.prepare.draft.guess_people import identifies
from ctt_net.prepare.draft.guess_roles import Source
from ctt_net.prepare.draft.guess_sides import guess_sides, pairs_of, sides_inside


def facts(*cells, times=1):
    return facts_of(pd.Series([*cells] * times, dtype=object))


@pytest.mark.parametrize(
    ("cells", "codes", "words"),
    [
        (["58", "33", "-9", "71"], {"-9"}, set()),
        (["0.3", "0.5", "999", "NULL"], {"999"}, {"NULL"}),
        (["250", "999", "430", "388"], set(), set()),  # a thickness of 999 um may be one
        (["-30", "-9", "0", "14"], set(), set()),  # days before surgery
        (["none", "mild", "n/a", ""], set(), {"n/a"}),  # "none" may be an answer
    ],
)
def test_codes_for_missing_stand_far_from_all_others(cells, codes, words):
    found = facts(*cells)
    assert set(found.codes) == codes
    assert set(found.words) == words


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
    evidence = acuity_evidence(facts(*cells))
    assert evidence.certain == certain
    assert set(evidence.possible) >= possible
    if certain is None:
        assert possible & {"logmar"}


def test_off_chart_words_are_no_evidence():
    evidence = acuity_evidence(facts("CF", "HM 30cm", "指数", "0.5"))
    assert (evidence.off_chart, evidence.on_chart) == (3, 1)


def test_unreadable_cells_are_counted_not_shown_when_rare():
    column = facts("0.5", "0.5", "0.5", "HBW", "HBW", "HBW", "ask Mr X")
    evidence = acuity_evidence(column)
    assert set(evidence.unreadable) == {"HBW", "ask Mr X"}
    assert column.frequent(evidence.unreadable) == "'HBW' 3, 1 rare ones"


def test_direction_of_change_is_told():
    before = np.full(12, 0.3)
    assert "rises" in direction_signs(before, before + 0.4)[0]
    assert "falls" in direction_signs(before, before - 0.2)[0]
    assert direction_signs(before, before) == ()
    assert direction_signs(before[:5], before[:5] + 1) == ()  # too few eyes


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (["03.02.2024", "12.03.2024"], {"%d.%m.%Y", "%m.%d.%Y"}),
        (["03.02.2024", "13.03.2024"], {"%d.%m.%Y"}),
        (["2/13/2024", "2/3/2024"], {"%m/%d/%Y"}),
        (["2024-02-03", "2024-02-13"], {"%Y-%m-%d"}),
        (["2024年2月3日"], {"%Y年%m月%d日"}),
        (["20240203", "20241231"], {"%Y%m%d"}),
        (["2024/2/3 10:15"], {"%Y/%m/%d %H:%M"}),
    ],
)
def test_formats_of_dates(cells, formats):
    guess = guess_dates(facts(*cells))
    assert set(guess.formats) == formats
    assert (guess.certain is not None) == (len(formats) == 1)


@pytest.mark.parametrize("cells", [["0.5", "20/40"], ["00012", "00013"], ["R"], [""], ["99999999"]])
def test_what_is_no_date(cells):
    assert guess_dates(facts(*cells)) is None


def test_sides_are_read_by_words_only():
    assert guess_sides(facts("右眼", "左眼")).words == {"OD": ["右眼"], "OS": ["左眼"]}
    assert guess_sides(facts("1", "2")) is None
    mixed = guess_sides(facts("R", "L", "OU", "R", "L"))
    assert mixed.both == ("OU",)
    ids = pd.Series(["0001-12L", "0002-03R"])
    inside = sides_inside(ids)
    assert inside.words == {"OD": ["R"], "OS": ["L"]}
    assert ids.str.extract(inside.extract)[0].to_list() == ["L", "R"]
    assert sides_inside(pd.Series(["posterior", "odd"])) is None


def test_columns_that_differ_in_the_side_are_pairs():
    names = ["ID", "VA_OD_pre", "VA_OS_pre", "右眼术后视力", "左眼术后视力", "AL OD", "age"]
    assert pairs_of(names) == [
        {"OD": "VA_OD_pre", "OS": "VA_OS_pre"},
        {"OD": "右眼术后视力", "OS": "左眼术后视力"},
    ]


@pytest.mark.parametrize(
    ("name", "cells", "found"),
    [
        ("Nachname", ["A"], "name"),
        ("DOB", ["1.1.1950"], "birth date"),
        ("联系方式", ["x"], "phone or mail"),
        ("column 7", ["13812345678", "13912345678"], "phone"),
        ("column 8", ["a@b.org"], "mail"),
        ("column 9", ["Ann Lee", "Bo Li", "Cy Orr", "Di Poe", "Ed Roy"], "free text"),
        ("Device name", ["Cirrus"], None),
        ("Image filename", ["a.png"], None),
        ("Stage", ["mild", "severe", "mild", "mild", "severe"], None),
    ],
)
def test_columns_of_persons(name, cells, found):
    said = identifies(name, facts(*cells))
    assert said == found if found is None else said.startswith(found)


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
    rule, _ = covariate_rule(Source("x", facts(*cells, times=4)), unit)
    assert rule == {"column": "x", **expected}


@pytest.mark.parametrize("cells", [["0,5", "0,6"], ["same"], ["20231401", "20231977"]])
def test_what_is_no_covariate(cells):
    rule, why = covariate_rule(Source("x", facts(*cells)))
    assert rule is None
    assert "2023" not in why  # two numbers of patients would be their range
