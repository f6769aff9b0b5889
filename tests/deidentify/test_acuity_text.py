"""An acuity written anew is the same acuity."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctt_net.acuity import parse_va
from ctt_net.deidentify.acuity_text import acuity_text


@pytest.mark.parametrize(
    ("recorded", "notation", "plain"),
    [
        ("０．５", "decimal", "0.5"),
        ("0,80", "decimal", "0.8"),
        ("0.30 ", "logmar", "0.3"),
        ("-0.08", "logmar", "-0.08"),
        ("0", "logmar", "0"),
        ("20/40 - 2", "snellen", "20/40-2"),
        ("6/9", "snellen", "6/9"),
        ("20/63(+1)", "snellen", "20/63+1"),
        ("5/160", "snellen", "5/160"),
        ("73", "etdrs", "73"),
        ("72.5", "etdrs", "72.5"),
        ("4.7", "five_mark", "4.7"),
        ("3", "five_mark", "CF"),
        ("HM/20cm", "snellen", "HM"),
        ("指数/眼前30cm", "decimal", "CF"),
        ("无光感", "logmar", "NLP"),
        ("LP with projection", "etdrs", "LP"),
    ],
)
def test_it_is_written_plainly(recorded, notation, plain):
    before = parse_va(recorded, notation)
    text = acuity_text(before.logmar, before.off_chart or "", notation, recorded)
    assert text == plain
    after = parse_va(text, notation)
    assert after.off_chart == before.off_chart
    assert after.logmar == pytest.approx(before.logmar, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(
    notation=st.sampled_from(["decimal", "logmar", "snellen", "etdrs", "five_mark"]),
    value=st.floats(0.011, 1.99),
    numerator=st.sampled_from([20, 6, 5, 4, 3, 7]),
)
def test_odd_numbers_keep_their_logmar(notation, value, numerator):
    texts = {
        "decimal": f"{value:.3f}",
        "logmar": f"{value:.7f}",
        "snellen": f"{numerator}/{numerator / value:.3f}",
        "etdrs": f"{50 * value:.0f}",
        "five_mark": f"{3.3 + value:.5f}",
    }
    before = parse_va(texts[notation], notation)
    after = parse_va(acuity_text(before.logmar, "", notation), notation)
    assert after.logmar == pytest.approx(before.logmar, abs=1e-9)


def test_unknown_stays_unknown():
    assert acuity_text(math.nan, "", "decimal", "n/a") == ""
