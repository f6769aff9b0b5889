"""The recovery questions at their cuts, where floating point and rounded charts go wrong."""

import numpy as np
import pytest

from ctt_net.acuity import parse_va
from ctt_net.errors import InputError
from ctt_net.outcome import DEFAULT_OUTCOMES, TOLERANCE_LOGMAR, Outcome

REACH, GAIN = DEFAULT_OUTCOMES
# The ten steps of 0.2 between lines of a logMAR chart, and of a decimal chart, in exact tenths.
STEPS = [(tenths, tenths - 2) for tenths in range(2, 12)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_of_ten_exact_steps_of_two_lines_is_a_gain(dtype):
    before = np.array([a / 10 for a, _ in STEPS], dtype)
    after = np.array([b / 10 for _, b in STEPS], dtype)
    assert not (before - after >= dtype(0.2)).all()  # what a naive comparison makes of them
    assert GAIN.label(before, after).tolist() == [1.0] * 10
    assert GAIN.label(before, after + dtype(0.02)).tolist() == [0.0] * 10


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ten_decimal_steps_of_0_2_are_judged_by_their_ratio(dtype):
    before = np.arange(1, 11)
    after = before + 2
    logmar = [-np.log10(tenths / 10).astype(dtype) for tenths in (before, after)]
    gained = after**5 >= before**5 * 10  # 10 ** 0.2 as a ratio, in whole numbers
    assert GAIN.label(*logmar).tolist() == gained.astype(float).tolist()
    assert gained.tolist() == [True] * 3 + [False] * 7


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("text", "notation", "reached"),
    [
        *[("20/40", "snellen", 1), ("6/12", "snellen", 1), ("0.5", "decimal", 1)],
        *[("70", "etdrs", 1), ("69", "etdrs", 0), ("CF", "etdrs", 0)],
        *[("20/40-1", "snellen", 0), ("20/50", "snellen", 0)],
    ],
)
def test_20_40_counts_as_0_30_or_better_and_one_letter_less_does_not(
    text, notation, reached, dtype
):
    postop = np.array([parse_va(text, notation).logmar], dtype)
    assert REACH.label(np.array([np.nan], dtype), postop).tolist() == [reached]


def test_what_is_unknown_is_no_answer():
    unknown = [np.nan, 0.5, np.nan]
    assert np.isnan(GAIN.label(unknown, [0.1, np.nan, np.nan])).all()
    assert REACH.label(unknown, [0.1, 0.5, np.nan])[:2].tolist() == [1.0, 0.0]


def test_margin_and_label_agree_and_a_prediction_is_judged_like_the_truth():
    rng = np.random.default_rng(0)
    before, after = rng.uniform(-0.2, 2, 500), rng.uniform(-0.2, 2, 500)
    for outcome in DEFAULT_OUTCOMES:
        far = np.abs(outcome.margin(before, after)) > TOLERANCE_LOGMAR
        positive = outcome.margin(before, after) > 0
        assert (outcome.label(before, after)[far] == positive[far]).all()


@pytest.mark.parametrize(
    ("kind", "threshold"),
    [("reaches", 0.3), ("reach", 20.0), ("gain", float("nan")), ("gain", "0.2")],
)
def test_a_question_that_is_none_is_refused(kind, threshold):
    with pytest.raises(InputError, match="'odd'"):
        Outcome("odd", kind, threshold)


def test_an_outcome_round_trips():
    for outcome in DEFAULT_OUTCOMES:
        assert Outcome.from_dict(outcome.to_dict()) == outcome
        assert f"{outcome.threshold_logmar:.2f}" in outcome.in_words()
