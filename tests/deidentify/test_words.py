"""Names are found whatever stands between their parts."""

import pytest

from ctt_net.deidentify.names import Names, is_short


@pytest.mark.parametrize(
    "text", ["li_wei_OD.png", "LI, Wei", "Dr. Li Wei", "x/Li-Wei/1", "患者李伟。", "a\nli\twei"]
)
def test_a_name_is_found(text):
    assert Names({"Li Wei": "a", "李伟": "b"}).found_in(text) is not None


@pytest.mark.parametrize("text", ["li 20 wei", "liwei", "Weili", "李 先生 伟", ""])
def test_other_words_are_not(text):
    assert Names({"Li Wei": "a", "李伟": "b"}).found_in(text) is None


def test_short_names_and_numbers():
    assert [
        is_short(t) for t in ("17", "4711", "47110", "P1", "abc", "Li Wei", "李伟", "2023-1-5")
    ] == [*(True, True, False, True, True, False, False, False)]
