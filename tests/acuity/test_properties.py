"""Laws that hold for every reading, searched by chance for a counterexample."""

import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ctt_net.acuity import NOTATIONS, OFF_CHART_POLICIES, AcuityError, parse_va
from tests.prepare import oracle

NOTATION = st.sampled_from(NOTATIONS)
POLICY = st.sampled_from(sorted(OFF_CHART_POLICIES))
BACH = {"CF": 1.9, "HM": 2.3, "LP": 2.7, "NLP": 3.0}

# Pieces that real cells are made of; random text alone hardly ever comes near a reading.
LATIN = ["CF", "FC", "HM", "LP", "NLP", "no", "1m", "30cm", "2 ft", "Sep", "nan", "m"]
CHINESE = ["指数", "手动", "光感", "无", "眼前", "月"]
NUMBERS = ["20", "40", "0.5", "6", "5.0", "73", "2024", "１", "½", "²", "e9"]
PIECES = st.sampled_from([*LATIN, *CHINESE, *NUMBERS, *"/-+(),.@' "])
CELL_LIKE = st.lists(PIECES, max_size=7).map("".join)
DISTANCES = st.builds(
    "{}{}{}".format,
    st.one_of(st.integers(0, 999), st.sampled_from(["0.5", "1.5", "1/2", "0,3", "1-2"])),
    st.sampled_from(["", " "]),
    st.sampled_from(["m", "cm", "ft", "feet", "米", "厘米", "尺", "in", "M", "CM"]),
)

STEPS = {  # from the worst to the best reading of each notation
    "decimal": st.integers(1, 200).map(lambda n: (n, f"{n / 100:.2f}")),
    "logmar": st.integers(-300, 30).map(lambda n: (n, f"{-n / 100:.2f}")),
    "etdrs": st.integers(0, 100).map(lambda n: (n, str(n))),
    "five_mark": st.integers(33, 53).map(lambda n: (n, f"{n / 10:.1f}")),
    "snellen": st.integers(-20000, -10).map(lambda n: (n, f"20/{-n}")),
}


@pytest.mark.parametrize("notation", NOTATIONS)
@given(data=st.data())
def test_better_vision_is_a_smaller_logmar(notation, data):
    (worse, text_of_worse), (better, text_of_better) = sorted(
        (data.draw(STEPS[notation]), data.draw(STEPS[notation]))
    )
    assume(worse < better)

    assert parse_va(text_of_better, notation).logmar < parse_va(text_of_worse, notation).logmar


@given(st.integers(-5, 4), st.sampled_from(["20/20", "20/63", "6/9", "5/160"]))
def test_a_letter_more_is_002_logmar_less(letters, line):
    fewer = parse_va(f"{line}{letters:+d}", "snellen").logmar
    more = parse_va(f"{line}{letters + 1:+d}", "snellen").logmar

    assert fewer - more == pytest.approx(0.02, abs=1e-6)


@pytest.mark.parametrize("policy", sorted(OFF_CHART_POLICIES))
def test_five_marks_worsen_from_3_to_0(policy):
    values = []
    for mark in "3210":
        try:
            values.append(parse_va(mark, "five_mark", policy).logmar)
        except AcuityError:
            break

    assert len(values) >= 2
    assert values == sorted(values)


@given(st.one_of(st.text(), CELL_LIKE), NOTATION, POLICY)
def test_any_text_is_a_plausible_acuity_or_an_acuity_error(text, notation, policy):
    try:
        acuity = parse_va(text, notation, policy)
    except AcuityError:
        return
    assert math.isfinite(acuity.logmar)
    assert acuity.text == text
    if acuity.off_chart is None:
        assert -0.3011 <= acuity.logmar <= 3.0
    else:
        assert acuity.logmar == OFF_CHART_POLICIES[policy][acuity.off_chart]


@given(
    st.sampled_from(
        [("CF", "CF"), ("指数", "CF"), ("HM", "HM"), ("手动", "HM"), ("无光感", "NLP")]
    ),
    st.sampled_from([" ", "/", "", "@", "/眼前", " at "]),
    DISTANCES,
    NOTATION,
)
def test_no_distance_changes_the_value_of_its_word(word, between, distance, notation):
    text, category = word

    acuity = parse_va(f"{text}{between}{distance}", notation)

    assert (acuity.off_chart, acuity.logmar) == (category, BACH[category])


@given(DISTANCES, st.sampled_from(["", "眼前", " ", "@", "at ", "/"]), NOTATION)
def test_a_distance_alone_is_never_an_acuity(distance, before, notation):
    with pytest.raises(AcuityError):
        parse_va(f"{before}{distance}", notation)


def typed(dice):
    """A reading as somebody may have typed it: a good one, pieces of some, a slip in either."""
    good = ["20/40", "6/12", "20/40-2", "6/7.5", "3/60+1", "0.5", "0,8", "4.7", "85", "-0.1", "3"]
    pieces = [*LATIN, *CHINESE, *NUMBERS, *"/-+(),. "]
    text = dice.choice(good) if dice.random() < 0.7 else "".join(dice.choices(pieces, k=3))
    if dice.random() < 0.4:
        at = dice.randrange(len(text) + 1)
        text = text[:at] + dice.choice("0123456789./,-+ e()１") + text[at:]
    return text


def test_ten_thousand_readings_against_a_strict_reader():
    """Whatever is accepted as a number is the number a strict reader finds, and the reverse."""
    dice = random.Random(0)
    read = 0
    for _ in range(10_000):
        text, notation = typed(dice), dice.choice(NOTATIONS)
        try:
            expected = oracle.logmar(text, notation)
        except oracle.WrongError:
            expected = math.nan
        try:
            acuity = parse_va(text, notation)
        except AcuityError:
            assert expected is None or math.isnan(expected), (text, notation)
            continue
        if acuity.off_chart is None:
            read += 1
            assert acuity.logmar == pytest.approx(expected, abs=1e-6), (text, notation)
    assert read > 1000
