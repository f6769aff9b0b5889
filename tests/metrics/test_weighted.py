import numpy as np
import pytest
from scipy import stats

from ctt_net.metrics.regression import spearman
from ctt_net.metrics.weighted import mean, median, middle_ranks


@pytest.mark.parametrize("n", [1, 2, 7])
def test_median_equals_numpy_on_repeated_values(n):
    rng = np.random.default_rng(n)
    values = rng.normal(size=n).round(1)
    weights = rng.integers(0, 3, (30, n)).astype(float)
    for got, weight in zip(median(values, weights), weights.astype(int), strict=True):
        repeated = np.repeat(values, weight)
        expected = np.median(repeated) if len(repeated) else np.nan
        np.testing.assert_allclose(got, expected)


@pytest.mark.parametrize("digits", [8, 1, 0], ids=["no ties", "ties", "nearly all ties"])
def test_ranks_and_spearman_equal_scipy_on_repeated_values(digits):
    rng = np.random.default_rng(digits)
    first = rng.normal(size=40)
    second = (first + rng.normal(size=40)).round(digits)
    first = first.round(digits)
    weights = rng.integers(0, 4, (25, 40)).astype(float)
    ranks, found = middle_ranks(first, weights), spearman(first, second, weights)
    for row, weight in enumerate(weights.astype(int)):
        a, b = np.repeat(first, weight), np.repeat(second, weight)
        np.testing.assert_allclose(np.repeat(ranks[row], weight), stats.rankdata(a), atol=1e-9)
        assert found[row] == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-9)


def test_what_no_eye_weighs_is_undefined():
    assert np.isnan(mean(np.array([1.0, 2.0]), np.zeros(2)))
    assert np.isnan(median(np.array([1.0, 2.0]), np.zeros((3, 2)))).all()
    assert np.isnan(spearman(np.full(5, 0.1), np.arange(5.0), np.ones((2, 5)))).all()
    assert np.isnan(spearman(np.array([0.1]), np.array([0.2])))
    assert np.isnan(spearman(np.empty(0), np.empty(0), np.ones((3, 0)))).all()
