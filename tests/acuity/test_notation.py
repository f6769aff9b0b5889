"""Acuities as clinics write them: only lines that charts print."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctt_net.acuity import REPORT_NOTATIONS, in_notation, on_chart, parse_va, recorded_notation
from ctt_net.acuity.record import AcuityError

READ_AS = {
    **dict.fromkeys(("snellen_feet", "snellen_metres"), "snellen"),
    "letters": "etdrs",
}
# By ISO 8596 and as the Chinese standard chart prints them.
LINES = {
    "snellen_feet": "20/10 20/12.5 20/16 20/20 20/25 20/32 20/40 20/50 20/63 20/80 20/100 20/125 "
    "20/160 20/200 20/250 20/320 20/400 20/500 20/630 20/800",
    "snellen_metres": "6/3 6/3.8 6/4.8 6/6 6/7.5 6/9.5 6/12 6/15 6/19 6/24 6/30 6/38 6/48 6/60 "
    "6/75 6/95 6/120 6/150 6/190 6/240",
    "decimal": "2.0 1.6 1.25 1.0 0.8 0.63 0.5 0.4 0.32 0.25 0.2 0.16 0.125 0.1 0.08 0.063 0.05 "
    "0.04 0.032 0.025",
    "five_mark": "5.3 5.2 5.1 5.0 4.9 4.8 4.7 4.6 4.5 4.4 4.3 4.2 4.1 4.0 3.9 3.8 3.7 3.6 3.5 3.4",
}


@given(st.floats(-1, 4))
def test_every_acuity_is_a_line_that_a_chart_prints(logmar):
    for notation, lines in LINES.items():
        assert in_notation(logmar, notation) in lines.split()
    assert 2 <= int(in_notation(logmar, "letters")) <= 100
    assert re.fullmatch(r"-?\d\.\d[02468]", in_notation(logmar, "logmar"))


@given(st.floats(-0.3, 1.6), st.sampled_from(REPORT_NOTATIONS))
def test_it_is_the_nearest_line(logmar, notation):
    text = in_notation(logmar, notation)
    near = 0.0101 if notation in ("logmar", "letters") else 0.0601  # printed lines are rounded
    assert parse_va(text, READ_AS.get(notation, notation), "bach").logmar == pytest.approx(
        logmar, abs=near
    )


@pytest.mark.parametrize(
    ("five_mark", "decimal"),
    # GB 11533, both records of the standard logarithmic chart.
    [("4.0", "0.1"), ("4.1", "0.12"), ("4.2", "0.15"), ("4.3", "0.2"), ("4.4", "0.25"),
     ("4.5", "0.3"), ("4.6", "0.4"), ("4.7", "0.5"), ("4.8", "0.6"), ("4.9", "0.8"),
     ("5.0", "1.0"), ("5.1", "1.2"), ("5.2", "1.5"), ("5.3", "2.0")],
)  # fmt: skip
def test_the_chinese_chart_prints_both_records_of_a_line(five_mark, decimal):
    logmar = 5 - float(five_mark)
    assert in_notation(logmar, "five_mark") == five_mark
    assert in_notation(logmar, "decimal", chinese_chart=True) == decimal


def test_what_no_chart_has_is_told_and_what_is_no_notation_refused():
    assert not on_chart(1.9)
    assert not on_chart(-0.5)
    with pytest.raises(AcuityError, match="choose one of snellen_feet"):
        in_notation(0.1, "snellen")
    with pytest.raises(AcuityError, match="cannot write nan"):
        in_notation(float("nan"), "decimal")


@pytest.mark.parametrize(
    ("text", "read_in", "shown_in"),
    [("20/60", "snellen", "snellen_feet"), ("6/18", "snellen", "snellen_metres"),
     ("3/60", "snellen", "snellen_metres"), ("0.5", "decimal", "decimal"),
     ("0.3", "logmar", "logmar"), ("70", "etdrs", "letters"), ("4.7", "five_mark", "five_mark")],
)  # fmt: skip
def test_a_report_is_in_the_notation_of_the_record(text, read_in, shown_in):
    assert recorded_notation(parse_va(text, read_in, "bach")) == shown_in
    assert recorded_notation(parse_va("CF", read_in, "bach")) is None
