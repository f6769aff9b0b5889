import numpy as np
import pytest

from ctt_net.metrics.decision_curve import (
    THRESHOLDS,
    action_in_words,
    decision_curve,
    decision_outcome,
    net_benefit,
    risk_of_acuity,
)
from ctt_net.outcome import DEFAULT_OUTCOMES, Outcome


def test_net_benefit_is_the_published_formula_on_repeated_eyes():
    rng = np.random.default_rng(0)
    event = (rng.random(80) < 0.3).astype(float)
    risks = {
        "model": np.clip(0.3 * event + rng.random(80) * 0.6, 0, 1),
        "preop_only": rng.random(80),
    }
    weights = rng.integers(0, 4, (10, 80)).astype(float)
    curve = decision_curve(risks, event, weights)
    for row, weight in enumerate(weights.astype(int)):
        index = np.repeat(np.arange(80), weight)
        y, n = event[index], len(index)
        for i, t in enumerate(THRESHOLDS):
            for name, risk in risks.items():
                acted = risk[index] > t
                expected = (acted & (y == 1)).sum() / n
                expected -= (acted & (y == 0)).sum() / n * t / (1 - t)
                assert curve[i][name][row] == pytest.approx(expected, abs=1e-9)
            everyone = y.mean() - (1 - y.mean()) * t / (1 - t)
            got = curve[i]["treat_all"][row]
            assert got == pytest.approx(everyone, abs=1e-9)
            gain = curve[i]["model"][row] - max(everyone, 0)
            assert curve[i]["model_gain"][row] == pytest.approx(gain, abs=1e-9)
        assert curve[0]["treat_none"][row] == 0


def test_a_perfect_model_gains_all_events_and_a_risk_at_the_threshold_is_not_acted_on():
    event = np.array([1.0, 0.0, 0.0, 0.0])
    for threshold in THRESHOLDS:
        assert net_benefit(event, event, threshold) == pytest.approx(0.25)
    at_threshold = 1 - np.array([0.7, 0.7, 0.7, 0.7])
    assert net_benefit(at_threshold, event, 0.3) == 0
    assert net_benefit(at_threshold, event, 0.2) > 0


def test_thresholds_run_from_five_to_fifty_percent():
    assert pytest.approx(np.linspace(0.05, 0.5, 10)) == THRESHOLDS


def test_the_action_follows_the_first_outcome_that_asks_for_an_acuity():
    gain, reach = Outcome("gains_0.20", "gain", 0.2), Outcome("reaches_0.50", "reach", 0.5)
    assert decision_outcome((gain, reach)) is reach
    assert decision_outcome((gain,)) is None
    assert "worse than 0.50 logMAR" in action_in_words(reach)


def test_the_risk_of_a_predicted_acuity_comes_from_the_errors_of_the_other_folds():
    outcome = DEFAULT_OUTCOMES[0]
    rng = np.random.default_rng(1)
    predicted, fold = rng.random(60), np.arange(60) % 3
    truth = predicted + rng.normal(0, 0.2, 60)
    risk = risk_of_acuity(predicted, truth, fold, outcome)
    for eye in range(60):
        others = fold != fold[eye]
        imagined = predicted[eye] + (truth - predicted)[others]
        missed = 1 - outcome.label(np.zeros(len(imagined)), imagined)
        assert risk[eye] == pytest.approx(missed.mean(), abs=1e-9)
    changed = truth.copy()
    changed[fold == 1] += 1.0
    again = risk_of_acuity(predicted, changed, fold, outcome)
    np.testing.assert_array_equal(again[fold == 1], risk[fold == 1])
    assert (again[fold != 1] > risk[fold != 1]).any()
