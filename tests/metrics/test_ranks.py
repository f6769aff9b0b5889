import numpy as np
import pytest
from scipy import stats

from ctt_net.metrics.ranks import spearman, weighted_median


@pytest.mark.parametrize("n", [1, 2, 7])
def test_weighted_median_equals_numpy_on_repeated_values(n):
    rng = np.random.default_rng(n)
    values = rng.normal(size=n).round(1)
    weights = rng.integers(0, 3, (30, n)).astype(float)
    for got, weight in zip(weighted_median(values, weights), weights.astype(int), strict=True):
        repeated = np.repeat(values, weight)
        expected = np.median(repeated) if len(repeated) else np.nan
        np.testing.assert_allclose(got, expected)


@pytest.mark.parametrize("digits", [8, 1, 0], ids=["no ties", "ties", "nearly all ties"])
def test_spearman_equals_scipy_on_repeated_values(digits):
    rng = np.random.default_rng(digits)
    first = rng.normal(size=40)
    second = (first + rng.normal(size=40)).round(digits)
    first = first.round(digits)
    weights = rng.integers(0, 4, (25, 40)).astype(float)
    for got, weight in zip(spearman(first, second, weights), weights.astype(int), strict=True):
        expected = stats.spearmanr(np.repeat(first, weight), np.repeat(second, weight)).statistic
        assert got == pytest.approx(expected, abs=1e-9)


def test_spearman_of_a_constant_of_one_eye_and_of_none_is_undefined():
    assert np.isnan(spearman(np.full(5, 0.1), np.arange(5.0), np.ones((2, 5)))).all()
    assert np.isnan(spearman(np.array([0.1]), np.array([0.2]), np.ones((1, 1)))).all()
    assert np.isnan(spearman(np.empty(0), np.empty(0), np.ones((3, 0)))).all()
