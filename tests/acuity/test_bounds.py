"""Outcomes that are recorded as bounds."""

import math

import pytest

from ctt_net.acuity import AcuityError, parse_va_bounds

INF = math.inf
HALF, TENTH = -math.log10(0.5), 1.0


@pytest.mark.parametrize(
    ("text", "notation", "expected"),
    [
        ("0.5 or better", "decimal", (-INF, HALF)),
        (">=0.5", "decimal", (-INF, HALF)),
        ("≥ 0,5", "decimal", (-INF, HALF)),
        ("0.5及以上", "decimal", (-INF, HALF)),
        ("0.1以下", "decimal", (TENTH, INF)),
        ("20/200 or worse", "snellen", (TENTH, INF)),
        ("<= 20/200", "snellen", (TENTH, INF)),
        # In logMAR the higher number is the worse acuity.
        (">=1.0", "logmar", (TENTH, INF)),
        ("<=0.3", "logmar", (-INF, 0.3)),
        # Half a letter beyond: a cut at 0.5 itself decides it.
        ("<0.5", "decimal", (HALF + 0.01, INF)),
        ("worse than 6/12", "snellen", (HALF + 0.01, INF)),
        ("better than 0.3", "logmar", (-INF, 0.29)),
        ("0.1-0.5", "decimal", (HALF, TENTH)),
        ("0.5 ~ 0.1", "decimal", (HALF, TENTH)),
        ("20/200 – 20/40", "snellen", (HALF, TENTH)),
        ("20/40-2 to 20/200", "snellen", (HALF + 0.04, TENTH)),
        ("-0.1-0.2", "logmar", (-0.1, 0.2)),
        ("35 to 70", "etdrs", (0.3, 1.0)),
        ("4.0-4.7", "five_mark", (0.3, 1.0)),
    ],
)
def test_bounds_are_read_as_best_and_worst_logmar(text, notation, expected):
    assert parse_va_bounds(text, notation) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    ("text", "notation"),
    [("0.5", "decimal"), ("20/40-2", "snellen"), ("20/40 - 2", "snellen"), ("-0.1", "logmar"),
     ("HM/30cm", "decimal"), ("CF 1-2 m", "decimal"), ("2024-06-09", "decimal"), ("", "decimal"),
     ("1e-3", "decimal"), ("x" * 500, "decimal")],
)  # fmt: skip
def test_what_is_no_range_is_left_to_the_reader_of_acuities(text, notation):
    assert parse_va_bounds(text, notation) is None


@pytest.mark.parametrize(
    ("text", "notation", "message"),
    [
        ("0.8-1", "decimal", r"'0.8-1': -1 may be letters.*write '0.8 to 1' for a band"),
        ("worse than CF", "decimal", r"CF is no acuity on a chart.*'worse than 0.05'"),
        (">=50", "decimal", r"'>=50'.*looks like etdrs"),
        ("0.5-0.5", "decimal", "the same; write it as one acuity"),
        ("less or better", "decimal", "it is no number"),
    ],
)
def test_bounds_that_cannot_be_read_name_the_fix(text, notation, message):
    with pytest.raises(AcuityError, match=message):
        parse_va_bounds(text, notation)
