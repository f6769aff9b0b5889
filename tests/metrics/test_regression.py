import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from ctt_net.metrics.agreement import ccc, limits_of_agreement
from ctt_net.metrics.regression import bias, mae, median_ae, r2, rmse, spearman, within_logmar
from ctt_net.metrics.summary import regression_figures


@pytest.fixture
def pairs():
    rng = np.random.default_rng(3)
    truth = rng.normal(0.3, 0.3, 41).round(2)
    return truth + rng.normal(0.05, 0.15, 41), truth, rng.integers(0, 4, (25, 41)).astype(float)


def concordance(t, p):
    return 2 * np.cov(p, t, ddof=0)[0, 1] / (p.var() + t.var() + (p.mean() - t.mean()) ** 2)


ORACLES = {
    mae: mean_absolute_error,
    rmse: root_mean_squared_error,
    median_ae: lambda t, p: np.median(np.abs(p - t)),
    bias: lambda t, p: np.mean(p - t),
    r2: r2_score,
    ccc: concordance,
    spearman: lambda t, p: stats.spearmanr(p, t).statistic,
    limits_of_agreement: lambda t, p: (p - t).mean() + 1.96 * (p - t).std(ddof=1) * np.r_[-1, 1],
}


@pytest.mark.parametrize("figure", ORACLES, ids=lambda figure: figure.__name__)
def test_figures_equal_those_of_the_repeated_eyes(pairs, figure):
    predicted, truth, weights = pairs
    found = np.transpose(figure(predicted, truth, weights))
    for row, weight in enumerate(weights.astype(int)):
        expected = ORACLES[figure](np.repeat(truth, weight), np.repeat(predicted, weight))
        assert found[row] == pytest.approx(expected, abs=1e-12)
        assert figure(predicted, truth, weight) == pytest.approx(expected, abs=1e-12)
    expected = ORACLES[figure](truth, predicted)
    assert figure(predicted.tolist(), truth.tolist()) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("limit", [0.1, 0.2, 0.3])
def test_shares_within_a_limit_are_counted(pairs, limit):
    predicted, truth, weights = pairs
    found = within_logmar(predicted, truth, limit, weights)
    for row, weight in enumerate(weights.astype(int)):
        error = np.repeat(np.abs(predicted - truth), weight)
        assert found[row] == pytest.approx(np.mean(error <= limit), abs=1e-12)


def test_one_weighting_gives_a_float():
    for figure in (mae, rmse, median_ae, bias, r2, spearman, ccc):
        assert type(figure([0.1, 0.2, 0.4], [0.0, 0.3, 0.3])) is float, figure


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="one length"):
        mae([0.1, 0.2], [0.1])
    with pytest.raises(ValueError, match="one length"):
        mae([0.1, 0.2], [0.1, 0.3], [[1.0], [2.0]])


def test_an_error_of_exactly_one_line_is_within_one_line():
    predicted, truth = np.array([0.3, 0.7, 0.9]), np.array([0.2, 0.6, 0.6])
    assert within_logmar(predicted, truth, 0.1) == pytest.approx(2 / 3)
    assert within_logmar(predicted, truth, 0.3) == 1


def test_bias_is_positive_when_the_eye_sees_better_than_predicted():
    assert bias([0.5, 0.5], [0.3, 0.1]) == pytest.approx(0.3)


def test_what_cannot_be_measured_is_nan_not_a_number():
    assert np.isnan(r2([0.1, 0.2], [0.3, 0.3]))
    assert np.isnan(limits_of_agreement([0.1], [0.3])).all()
    assert mae([0.1], [0.3]) == pytest.approx(0.2)
    empty = regression_figures(np.empty(0), np.empty(0), np.empty(0, int), np.ones((2, 0)))
    figures = [*empty.pop("loa").values(), *empty.values()]
    assert all(np.isnan(values).all() for values in figures)
