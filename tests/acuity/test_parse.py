"""Readings as hospitals write them, against numbers worked out by hand."""

import math
import re

import numpy as np
import pytest

from ctt_net.acuity import NOTATIONS, OFF_CHART_POLICIES, AcuityError, is_missing, parse_va

READINGS = [
    ("0.5", "decimal", 0.30103),
    ("1", "decimal", 0.0),
    ("1.2", "decimal", -0.0791812),
    ("1.5", "decimal", -0.1760913),
    ("2.0", "decimal", -0.30103),
    ("0.15", "decimal", 0.8239087),
    ("0.12", "decimal", 0.9208188),
    ("0.7", "decimal", 0.1549020),
    ("0.01", "decimal", 2.0),
    ("0.18", "logmar", 0.18),
    ("-0.1", "logmar", -0.1),
    ("0", "logmar", 0.0),
    ("3.0", "logmar", 3.0),
    ("20/40", "snellen", 0.30103),
    ("6/12", "snellen", 0.30103),
    ("20/30", "snellen", 0.1760913),
    ("6/9", "snellen", 0.17609126),
    ("6/7.5", "snellen", 0.0969100),
    ("3/60", "snellen", 1.30103),
    ("5/160", "snellen", 1.50515),
    ("10/20", "snellen", 0.30103),
    ("4/40", "snellen", 1.0),
    ("8/10", "snellen", 0.09691),
    ("20/10", "snellen", -0.30103),
    ("20/40-2", "snellen", 0.34103),
    ("20/40 -2", "snellen", 0.34103),
    ("20/40 (-2)", "snellen", 0.34103),
    ("20/40+1", "snellen", 0.28103),
    ("20/40⁻²", "snellen", 0.34103),
    ("85", "etdrs", 0.0),
    ("35", "etdrs", 1.0),
    ("73", "etdrs", 0.24),
    ("2", "etdrs", 1.66),
    ("0", "etdrs", 1.70),
    ("100", "etdrs", -0.3),
    ("4.7", "five_mark", 0.3),
    ("5.0", "five_mark", 0.0),
    ("5.3", "five_mark", -0.3),
    ("4.0", "five_mark", 1.0),
    ("3.3", "five_mark", 1.7),
]


@pytest.mark.parametrize(("text", "notation", "logmar"), READINGS)
def test_a_reading_has_the_logmar_worked_out_by_hand(text, notation, logmar):
    acuity = parse_va(text, notation)

    assert acuity.logmar == pytest.approx(logmar, abs=1e-6)
    assert acuity.off_chart is None
    assert acuity.text == text


@pytest.mark.parametrize(
    ("typed", "plain", "notation"),
    [
        ("０．５", "0.5", "decimal"),
        ("0,5", "0.5", "decimal"),
        ("0·5", "0.5", "decimal"),
        (",5", "0.5", "decimal"),
        ("0.5\u00a0", "0.5", "decimal"),
        ("\ufeff0.5", "0.5", "decimal"),
        ("20／40", "20/40", "snellen"),
        ("２０／４０－２", "20/40-2", "snellen"),
        ("20⁄40", "20/40", "snellen"),
        ("20\u00a0/\u300040", "20/40", "snellen"),
        ("6/7,5", "6/7.5", "snellen"),
        ("20/40−2", "20/40-2", "snellen"),
        ("20/40–2", "20/40-2", "snellen"),
        ("−0.1", "-0.1", "logmar"),
        ("4,7", "4.7", "five_mark"),
        ("73.0", "73", "etdrs"),
        (0.5, "0.5", "decimal"),
        (np.float32(0.67), "0.67", "decimal"),
        (np.float64(0.3), "0.3", "logmar"),
        (np.int64(73), "73", "etdrs"),
        (73.0, "73", "etdrs"),
        (1, "1", "decimal"),
    ],
)
def test_typing_habits_do_not_change_the_value(typed, plain, notation):
    assert parse_va(typed, notation).logmar == parse_va(plain, notation).logmar


def test_the_text_is_kept_verbatim():
    assert parse_va(" ０,５ ", "decimal").text == " ０,５ "


LOUD = [
    ("-0.1", "decimal", "logmar"),
    ("0", "decimal", "empty"),
    ("5.0", "decimal", "five_mark"),
    ("4.7", "decimal", "five_mark"),
    ("2.5", "decimal", "logmar"),
    ("73", "decimal", "etdrs"),
    ("1e-9", "decimal", "expected"),
    ("-9", "decimal", "empty"),
    ("20/40", "decimal", "snellen"),
    ("8/10", "decimal", "snellen"),
    ("0.5-2", "decimal", "no number"),
    ("0.5-0.6", "decimal", "no number"),
    ("0.5 0.6", "decimal", "no number"),
    ("1e999", "decimal", "no notation"),
    ("inf", "decimal", "no number"),
    ("73", "logmar", "etdrs"),
    ("4.7", "logmar", "five_mark"),
    ("-0.4", "logmar", "no notation"),
    ("20/-5", "snellen", "above 0"),
    ("20/0", "snellen", "above 0"),
    ("0/20", "snellen", "above 0"),
    ("200/20", "snellen", "the right way round"),
    ("20/40²", "snellen", "no acuity"),
    ("20/40-", "snellen", "number of letters"),
    ("20/40-20", "snellen", "more than a line"),
    (".6/9", "snellen", "no acuity"),
    ("20/40-2+1", "snellen", "no acuity"),
    ("20/40 PH 20/25", "snellen", "no acuity"),
    ("0.5", "snellen", "decimal"),
    ("45452", "snellen", "export the column again"),
    ("½", "snellen", "no acuity"),
    ("6/7½", "snellen", "no acuity"),
    ("101", "etdrs", "no notation"),
    ("-1", "etdrs", "expected"),
    ("0.5", "etdrs", "decimal"),
    ("4.7", "etdrs", "five_mark"),
    ("20/40", "etdrs", "snellen"),
    ("6", "five_mark", "etdrs"),
    ("0.5", "five_mark", "decimal"),
    ("2.5", "five_mark", "logmar"),
    ("٣", "five_mark", "no number"),
    ("sees well", "decimal", "no number"),
    ("nil", "decimal", "no number"),
    ("0.5" * 100, "decimal", "too long"),
]


@pytest.mark.parametrize(("text", "notation", "says"), LOUD)
def test_a_wrong_reading_is_refused_with_its_cure(text, notation, says):
    with pytest.raises(AcuityError, match=re.escape(says)) as caught:
        parse_va(text, notation)

    assert text[:20] in str(caught.value)
    assert f"in a {notation} column" in str(caught.value)
    assert "expected" in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(
    "date",
    ["6-Sep", "Sep-6", "2024-06-09", "2024-06-09 00:00:00", "9/6/2024", "06.09.24", "6月9日"],
)
def test_a_fraction_that_became_a_date_is_refused(date, notation):
    with pytest.raises(AcuityError, match="a spreadsheet has turned it into a date"):
        parse_va(date, notation)


MISSING = [
    "",
    " ",
    "-",
    "—",
    "NA",
    "N/A",
    ".",
    "nan",
    "NaN",
    "None",
    "NULL",
    "#N/A",
    "未查",
    "\u3000",
]


@pytest.mark.parametrize("value", [*MISSING, None, math.nan, np.float32("nan"), "not tested"])
def test_missing_words_are_missing_and_never_read_as_0(value):
    assert is_missing(value)
    for notation in NOTATIONS:
        with pytest.raises(AcuityError, match="treat it as missing"):
            parse_va(value, notation)


@pytest.mark.parametrize("value", ["0", 0, 0.0, "-9", "NLP", "无光感", "nil", "0.5", "x" * 1000])
def test_what_is_recorded_is_not_missing(value):
    assert not is_missing(value)


def test_an_unknown_notation_or_policy_names_the_choices():
    with pytest.raises(AcuityError, match="decimal, logmar, snellen, etdrs, five_mark"):
        parse_va("0.5", "Decimal")
    with pytest.raises(AcuityError, match="bach, schulze"):
        parse_va("0.5", "decimal", "Bach 2007")
    assert set(OFF_CHART_POLICIES) == {
        "bach", "schulze", "lange", "herrero", "holladay", "nod_style", "five_mark", "cttnet_ref",
        "censored",
    }  # fmt: skip
