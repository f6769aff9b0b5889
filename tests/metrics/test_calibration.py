"""Calibration against scikit-learn's logistic regression and against sums over the bins."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from ctt_net.metrics.calibration import (
    bin_numbers,
    calibration_bins,
    calibration_intercept,
    calibration_slope,
)


def chances(seed, n=120, steepness=1.6, shift=0.4):
    """Probabilities whose log odds are too small by a factor and a shift."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 1.2, n)
    recovered = (rng.random(n) < expit(shift + steepness * odds)).astype(float)
    return expit(odds), recovered, rng.integers(0, 4, (10, n)).astype(float)


@pytest.mark.parametrize("seed", range(3))
def test_slope_and_intercept_equal_logistic_regression_on_the_log_odds(seed):
    probability, recovered, weights = chances(seed)
    slope = calibration_slope(probability, recovered, weights)
    intercept = calibration_intercept(probability, recovered, weights)
    odds = logit(probability)
    for row, weight in enumerate(weights):
        free = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-13, max_iter=200)
        free.fit(odds[:, None], recovered, sample_weight=weight)
        assert slope[row] == pytest.approx(free.coef_[0, 0], abs=1e-9)

        def left(shift, weight=weight):
            return (weight * (recovered - expit(shift + odds))).sum()

        expected = brentq(left, -10, 10, xtol=1e-13)
        assert intercept[row] == pytest.approx(expected, abs=1e-9)
    assert calibration_slope(probability, recovered, weights[0]) == pytest.approx(slope[0])


def test_honest_probabilities_have_slope_one_and_intercept_zero():
    probability, recovered, _ = chances(0, n=200_000, steepness=1.0, shift=0.0)
    assert calibration_slope(probability, recovered) == pytest.approx(1.0, abs=0.02)
    assert calibration_intercept(probability, recovered) == pytest.approx(0.0, abs=0.02)


def test_too_extreme_probabilities_have_a_slope_below_one():
    probability, recovered, weights = chances(0, n=2000, steepness=0.4, shift=0.0)
    assert (calibration_slope(probability, recovered, weights) < 0.7).all()


def test_what_has_no_finite_slope_is_undefined():
    perfect = np.array([0.1, 0.2, 0.8, 0.9])
    label = np.array([0.0, 0.0, 1.0, 1.0])
    assert np.isnan(calibration_slope(perfect, label, np.ones((2, 4)))).all()
    assert np.isnan(calibration_slope(np.full(4, 0.5), label))
    assert calibration_intercept(np.full(4, 0.5), label) == pytest.approx(0.0, abs=1e-9)
    for figure in (calibration_slope, calibration_intercept):
        assert np.isnan(figure(perfect, np.ones(4), np.ones((2, 4)))).all()


def test_certainty_is_held_an_inch_from_the_edge():
    probability, recovered, weights = chances(1)
    probability[:2] = 0.0, 1.0
    recovered[:2] = 1.0, 0.0
    for figure in (calibration_slope, calibration_intercept):
        assert np.isfinite(figure(probability, recovered, weights)).all()


def test_bins_hold_tenths_of_the_eyes_and_their_means():
    rng = np.random.default_rng(0)
    predicted, observed = rng.random(100), rng.random(100)
    weights = rng.integers(0, 3, (6, 100)).astype(float)
    bins = calibration_bins(predicted, observed, weights)
    for number, part in enumerate(np.split(np.argsort(predicted), 10)):
        assert bins[number]["n_eyes"] == 10
        for row, weight in enumerate(weights.astype(int)):
            for name, values in (("predicted", predicted), ("observed", observed)):
                expected = np.repeat(values[part], weight[part]).mean()
                got = bins[number][name][row]
                assert got == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_no_bin_tears_equal_predictions_or_holds_fewer_than_ten(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(10, 160))
    predicted = rng.random(n).round(int(rng.integers(0, 3)))
    bins = bin_numbers(predicted)
    assert np.bincount(bins).min() >= 10
    assert set(bins) == set(range(bins.max() + 1))
    assert bins.max() < 10
    for value in np.unique(predicted):
        assert len(set(bins[predicted == value])) == 1
    order = np.argsort(predicted)
    assert (np.diff(bins[order]) >= 0).all()


def test_few_eyes_make_one_bin_and_none_make_none():
    assert bin_numbers(np.array([0.2, 0.1, 0.3])).tolist() == [0, 0, 0]
    assert len(bin_numbers(np.empty(0))) == 0
    assert calibration_bins(np.empty(0), np.empty(0)) == []
