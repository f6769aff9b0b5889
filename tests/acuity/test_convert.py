"""The arithmetic, against formulas written out here and round trips."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctt_net.acuity import (
    AcuityError,
    decimal_from_logmar,
    five_mark_from_logmar,
    letters_from_logmar,
    logmar_from_decimal,
    logmar_from_five_mark,
    logmar_from_letters,
    logmar_from_snellen,
    parse_va,
    snellen_from_logmar,
)

HALF_A_LINE = 0.05
EVERY_LOGMAR = st.floats(-0.3, 3.0)


@pytest.mark.slow
@given(st.floats(-0.3, 1.6), st.sampled_from(["feet", "metres"]))
def test_a_fraction_comes_back_within_half_a_line(logmar, unit):
    written = snellen_from_logmar(logmar, unit)

    assert written.startswith({"feet": "20/", "metres": "6/"}[unit])
    # The printed numbers are rounded to up to 0.006 logMAR.
    assert abs(parse_va(written, "snellen").logmar - logmar) < HALF_A_LINE + 0.006


@given(st.floats(-0.35, 1.65))
def test_only_lines_of_a_chart_are_written(logmar):
    upper = [10, 12.5, 16, 20, 25, 32, 40, 50, 63, 80]
    lines = [f"20/{line:g}" for line in (*upper, *(10 * line for line in upper))]

    assert snellen_from_logmar(logmar, "feet") in lines


@given(EVERY_LOGMAR)
def test_a_decimal_comes_back(logmar):
    assert logmar_from_decimal(decimal_from_logmar(logmar)) == pytest.approx(logmar, abs=1e-9)


@given(st.integers(0, 100))
def test_letters_come_back_whole(letters):
    logmar = logmar_from_letters(letters)

    assert logmar == pytest.approx(1.7 - 0.02 * letters)
    assert letters_from_logmar(logmar) == letters


@given(st.floats(1.7001, 5.0))
def test_counting_fingers_and_worse_have_no_letters(logmar):
    assert letters_from_logmar(logmar) is None


@given(st.floats(-1.0, -0.31))
def test_better_than_the_last_letter_has_no_letters(logmar):
    assert letters_from_logmar(logmar) is None


@given(st.integers(33, 53))
def test_a_five_mark_record_comes_back(tenths):
    mark = tenths / 10

    assert five_mark_from_logmar(logmar_from_five_mark(mark)) == mark


@pytest.mark.parametrize(
    ("logmar", "feet", "metres"),
    [
        (-0.6, "better than 20/10", "better than 6/3"),
        (-0.3, "20/10", "6/3"),
        (-0.1, "20/16", "6/4.8"),
        (0.0, "20/20", "6/6"),
        (0.03, "20/20", "6/6"),
        (0.08, "20/25", "6/7.5"),
        (0.1, "20/25", "6/7.5"),
        (math.log10(1.5), "20/32", "6/9.5"),
        (0.2, "20/32", "6/9.5"),
        (0.30103, "20/40", "6/12"),
        (0.34, "20/40", "6/12"),
        (0.5, "20/63", "6/19"),
        (0.8, "20/125", "6/38"),
        (math.log10(98.5 / 20), "20/100", "6/30"),
        (1.0, "20/200", "6/60"),
        (1.3, "20/400", "6/120"),
        (1.6, "20/800", "6/240"),
        (1.9, "worse than 20/800", "worse than 6/240"),
        (3.0, "worse than 20/800", "worse than 6/240"),
    ],
)
def test_fractions_are_those_of_the_chart(logmar, feet, metres):
    assert snellen_from_logmar(logmar, "feet") == feet
    assert snellen_from_logmar(logmar, "metres") == metres


def test_the_mean_of_20_20_and_20_200_is_20_63():
    mean = statistics.mean(parse_va(text, "snellen").logmar for text in ("20/20", "20/200"))

    assert mean == pytest.approx(0.5)
    assert snellen_from_logmar(mean, "feet") == "20/63"


def test_known_equivalents_agree():
    assert logmar_from_snellen(20, 40) == pytest.approx(logmar_from_snellen(6, 12))
    assert logmar_from_snellen(20, 40, letters=-2) == pytest.approx(0.30103 + 0.04, abs=1e-6)
    assert decimal_from_logmar(1.0) == pytest.approx(0.1)
    assert five_mark_from_logmar(1.0) == 4.0
    assert letters_from_logmar(0.30103) == 70
    assert letters_from_logmar(1.7) == 0


@pytest.mark.parametrize(
    ("convert", "argument"),
    [
        (logmar_from_decimal, 0.0),
        (logmar_from_decimal, -0.1),
        (logmar_from_decimal, math.nan),
        (logmar_from_letters, 101),
        (logmar_from_letters, -1),
        (logmar_from_letters, math.nan),
        (logmar_from_five_mark, 3.0),
        (logmar_from_five_mark, 5.4),
        (lambda x: snellen_from_logmar(x, "feet"), math.nan),
        (lambda x: snellen_from_logmar(x, "feet"), math.inf),
        (lambda x: snellen_from_logmar(0.3, x), "yards"),
        (lambda x: logmar_from_snellen(x, 40), 0),
        (lambda x: logmar_from_snellen(20, x), -5),
    ],
)
def test_what_has_no_value_is_refused(convert, argument):
    with pytest.raises(AcuityError, match=r"must|cannot"):
        convert(argument)


def test_an_unknown_logmar_has_no_letters():
    assert letters_from_logmar(math.nan) is None
