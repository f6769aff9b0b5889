"""Names are found in text and in bytes."""

import numpy as np
import pytest

from ctt_net.deidentify.names import ByteNames, Names, is_short


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


def test_bytes_are_found_at_every_place_as_the_plain_search_finds_them():
    rng = np.random.default_rng(0)
    names = {f"name {n:04d}": str(n) for n in range(300)}
    search = ByteNames(names)
    noise = rng.integers(0, 256, 5000, dtype=np.uint8).tobytes()
    assert search.found_in(noise) is None
    for place in [0, *rng.integers(1, 4900, 40), len(noise)]:
        for codec in ("utf-8", "utf-16-le"):
            number = int(rng.integers(300))
            data = noise[:place] + f"name {number:04d}".encode(codec) + noise[place:]
            assert search.found_in(data) == str(number)
    assert ByteNames({}).found_in(noise) is None
