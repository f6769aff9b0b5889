"""The recovery outcomes at their cuts, where floating point and rounded charts go wrong."""

import numpy as np
import pytest
import torch

from ctt_net.acuity import parse_va
from ctt_net.errors import InputError
from ctt_net.outcome import DEFAULT_OUTCOMES, TOLERANCE_LOGMAR, Outcome

REACH, GAIN = DEFAULT_OUTCOMES
DECIMAL = Outcome("gains_0.20_decimal", "decimal_gain", threshold_decimal=0.20)
ALL = (*DEFAULT_OUTCOMES, DECIMAL)
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
    for outcome in ALL:
        # At a decimal of 1 its own tolerance is 0.0022 logMAR, at 0.01 it is 0.18.
        wide = 0.2 if outcome is DECIMAL else TOLERANCE_LOGMAR
        far = np.abs(outcome.margin(before, after)) > wide
        positive = outcome.margin(before, after) > 0
        assert (outcome.label(before, after)[far] == positive[far]).all()


@pytest.mark.parametrize(
    ("kind", "threshold"),
    [("reaches", 0.3), ("reach", 20.0), ("gain", float("nan")), ("gain", "0.2")],
)
def test_a_question_that_is_none_is_refused(kind, threshold):
    with pytest.raises(InputError, match="'odd'"):
        Outcome("odd", kind, threshold)


@pytest.mark.parametrize(
    ("kind", "thresholds", "said"),
    [
        ("decimal_gain", {"threshold_logmar": 0.2}, "threshold_decimal must be a number"),
        ("decimal_gain", {"threshold_decimal": 0.0}, "0.01..2.0, got 0.0"),
        ("gain", {"threshold_decimal": 0.2}, "threshold_logmar must be a number"),
        (
            "decimal_gain",
            {"threshold_decimal": 0.2, "threshold_logmar": 0.2},
            "has no threshold_logmar",
        ),
    ],
)
def test_a_threshold_in_the_other_unit_is_refused(kind, thresholds, said):
    with pytest.raises(InputError, match=said):
        Outcome("odd", kind, **thresholds)


def test_an_outcome_round_trips():
    for outcome in ALL:
        assert Outcome.from_dict(outcome.to_dict()) == outcome
        assert "0.30" in outcome.in_words() or "0.20" in outcome.in_words()
        assert None not in outcome.to_dict().values()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_decimal_gain_is_judged_in_hundredths_and_alike_for_truth_and_prediction(dtype):
    """Every pair of a grid of 0.01 from 0.01 to 1.50, against whole numbers."""
    grid = np.arange(1, 151)
    before, after = (side.ravel() for side in np.meshgrid(grid, grid))
    logmar = [-np.log10(side / 100).astype(dtype) for side in (before, after)]
    assert DECIMAL.label(*logmar).tolist() == (after - before >= 20).astype(float).tolist()
    exact = after - before == 20
    naive = (10 ** -logmar[1][exact] - 10 ** -logmar[0][exact]) >= dtype(0.2)
    assert not naive.all()  # what a comparison without tolerance makes of exact steps


def test_a_decimal_gain_is_many_lines_at_the_bottom_of_the_chart_and_one_at_its_top():
    before, after = -np.log10([0.05, 0.8]), -np.log10([0.25, 1.0])
    assert DECIMAL.label(before, after).tolist() == [1.0, 1.0]
    assert GAIN.label(before, after).tolist() == [1.0, 0.0]


def test_tensors_are_asked_like_arrays_and_keep_their_gradient():
    before = np.array([0.5, 1.0, np.nan, 0.2])
    after = np.array([0.2, 0.95, 0.1, np.nan])
    for outcome in ALL:
        tensor = torch.tensor(after, requires_grad=True)
        margin = outcome.margin(torch.tensor(before), tensor)
        np.testing.assert_allclose(margin.detach(), outcome.margin(before, after), atol=1e-12)
        yes = outcome.decided_yes(torch.tensor(before), tensor)
        known = np.isfinite(outcome.label(before, after))
        assert yes.numpy()[known].tolist() == (outcome.label(before, after)[known] == 1).tolist()
        margin.nansum().backward()
        assert tensor.grad[0] == -1  # every margin is a distance to a cut on the postop acuity


def test_only_a_gain_needs_the_preoperative_acuity():
    assert [outcome.needs_preop for outcome in ALL] == [False, True, True]
    assert np.isnan(DECIMAL.label([np.nan, 0.1], [0.1, np.nan])).all()
