import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from ctt_net.metrics.regression import regression_figures


@pytest.fixture
def pairs():
    rng = np.random.default_rng(3)
    truth = rng.normal(0.3, 0.3, 41).round(2)
    return truth + rng.normal(0.05, 0.15, 41), truth, rng.integers(0, 4, (25, 41)).astype(float)


def intraclass(p, t):
    """ICC(A,1) from the variances of sums and differences."""
    eyes, left = 2 * ((p + t) / 2).var(ddof=1), (p - t).var(ddof=1) / 2
    readings = len(p) * (p - t).mean() ** 2 / 2
    return (eyes - left) / (eyes + left + 2 * (readings - left) / len(p))


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
            ("icc",): intraclass(p, t),
            ("spearman",): stats.spearmanr(p, t).statistic,
            ("calibration_slope",): stats.linregress(p, t).slope,
            ("calibration_intercept",): stats.linregress(p, t).intercept,
            ("loa", "slope"): stats.linregress((p + t) / 2, error).slope,
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
