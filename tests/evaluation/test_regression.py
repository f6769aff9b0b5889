import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from ctt_net.evaluation.regression import regression_figures, weighted_median


@pytest.fixture
def pairs():
    rng = np.random.default_rng(3)
    truth = rng.normal(0.3, 0.3, 41).round(2)
    return truth + rng.normal(0.05, 0.15, 41), truth, rng.integers(0, 4, (25, 41)).astype(float)


def test_figures_equal_those_of_the_repeated_eyes(pairs):
    predicted, truth, weights = pairs
    figures = regression_figures(predicted, truth, weights)
    for row, weight in enumerate(weights.astype(int)):
        p, t = np.repeat(predicted, weight), np.repeat(truth, weight)
        error = p - t
        mean, sd = error.mean(), error.std(ddof=1)
        lin = 2 * np.cov(p, t, ddof=0)[0, 1] / (p.var() + t.var() + (p.mean() - t.mean()) ** 2)
        expected = {
            ("mae",): mean_absolute_error(t, p),
            ("rmse",): root_mean_squared_error(t, p),
            ("median_ae",): np.median(np.abs(error)),
            ("bias",): mean,
            ("within_0.1",): np.mean(np.abs(error) <= 0.1),
            ("within_0.2",): np.mean(np.abs(error) <= 0.2),
            ("within_0.3",): np.mean(np.abs(error) <= 0.3),
            ("r2",): r2_score(t, p),
            ("ccc",): lin,
            ("loa", "lower"): mean - 1.96 * sd,
            ("loa", "upper"): mean + 1.96 * sd,
        }
        assert set(expected) == set(figures)
        for path, value in expected.items():
            assert figures[path][row] == pytest.approx(value, abs=1e-12), path


def test_an_error_of_exactly_one_line_is_within_one_line():
    predicted, truth = np.array([0.3, 0.7, 0.9]), np.array([0.2, 0.6, 0.6])
    figures = regression_figures(predicted, truth, np.ones((1, 3)))
    assert figures[("within_0.1",)][0] == pytest.approx(2 / 3)
    assert figures[("within_0.3",)][0] == 1


def test_bias_is_positive_when_the_eye_sees_better_than_predicted():
    figures = regression_figures(np.array([0.5, 0.5]), np.array([0.3, 0.1]), np.ones((1, 2)))
    assert figures[("bias",)][0] == pytest.approx(0.3)


def test_what_cannot_be_measured_is_nan_not_a_number():
    same = regression_figures(np.array([0.1, 0.2]), np.array([0.3, 0.3]), np.ones((1, 2)))
    assert np.isnan(same[("r2",)][0])
    one = regression_figures(np.array([0.1]), np.array([0.3]), np.ones((1, 1)))
    assert np.isnan(one[("loa", "lower")][0])
    assert one[("mae",)][0] == pytest.approx(0.2)
    none = regression_figures(np.empty(0), np.empty(0), np.ones((2, 0)))
    assert all(np.isnan(value).all() for value in none.values())


@pytest.mark.parametrize("n", [1, 2, 7])
def test_weighted_median_equals_numpy_on_repeated_values(n):
    rng = np.random.default_rng(n)
    values = rng.normal(size=n).round(1)
    weights = rng.integers(0, 3, (30, n)).astype(float)
    for got, weight in zip(weighted_median(values, weights), weights.astype(int), strict=True):
        repeated = np.repeat(values, weight)
        expected = np.median(repeated) if len(repeated) else np.nan
        np.testing.assert_allclose(got, expected)
