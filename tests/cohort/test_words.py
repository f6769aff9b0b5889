"""Words of a person and of a table are compared in one way."""

import pandas as pd
import pytest

from ctt_net.cohort.words import check_words, comparable, matched
from ctt_net.errors import InputError


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("yes", "YES"),
        ("yes", "  Yes "),
        ("ja  nein", "ja nein"),
        ("yes", "ｙｅｓ"),
        ("yes", "y\u200bes"),
        ("Straße", "STRASSE"),
        ("é", "e\u0301"),
        ("2.5", "2.50"),
        ("2.5", "2,5"),
        ("-9", "-9.00"),
        ("-9", "−9"),
        ("5", "+5"),
        ("0", "-0.0"),
        (".5", "0.5"),
    ],
)
def test_the_same_word(one, other):
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *[("yes", "yes?"), ("0042", "42"), ("1", "1,000"), ("7e1", "70"), ("-1", "1")],
        *[("", "0"), (".", "0"), ("1.2.3", "1.23"), ("9", "99")],
        ("123456789012345678", "123456789012345679"),
    ],
)
def test_another_word(one, other):
    assert comparable(one) != comparable(other)


def test_cells_get_the_spelling_of_the_list():
    cells = pd.Series(["m", " M", "f", ""], index=[2, 3, 5, 7])
    assert matched(cells, ["M", "F"]).dropna().to_dict() == {2: "M", 3: "M", 5: "F"}
    assert matched(cells, []).isna().all()


def test_one_word_has_one_meaning():
    check_words({"1": "M", "1.0": "M", "2": "F"}, "here")
    with pytest.raises(InputError, match=r"here: '1' and '1\.0' are one word"):
        check_words({"1": "M", "1.0": "F"}, "here")
