"""What a spreadsheet would run is written so that it does not, and can be read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctt_net.io.formula import escape_formula, is_formula, unescape_formula

SIGNS = st.text(st.sampled_from("=+-@＝＋－＠'\t\r\n 0.19eA%,"), max_size=8)


@pytest.mark.parametrize(
    "text",
    [
        "=A1",
        "+A1",
        "-A1",
        "@A1",
        "＝A1",
        "＋A1",
        "－A1",
        "＠A1",
        "\tA1",
        "\rA1",
        " =A1",
        "-1-1",
        "-5e",
    ],
)
def test_formulas_are_recognised(text):
    assert is_formula(text)


@pytest.mark.parametrize(
    "text", ["", "-", "--", "A1", "-0.10", "+.5", "-1,5", "-3%", "1e-5", "-2E+3", "20/40", "'=A1"]
)
def test_numbers_and_words_are_not(text):
    assert not is_formula(text)
    assert escape_formula(text) == text or text.startswith("'")


@given(st.one_of(SIGNS, st.text()))
def test_nothing_runs_and_nothing_is_lost(text):
    assert not is_formula(escape_formula(text))
    assert unescape_formula(escape_formula(text)) == text
