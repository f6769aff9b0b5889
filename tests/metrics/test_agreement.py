"""Agreement and calibration of acuity against scipy, or the formula on repeated eyes."""

import numpy as np
import pytest
from scipy import stats

from ctt_net.metrics.regression import regression_figures


def drawn_patients(seed, n_patients=30):
    """Eyes of patients with one, two or three, and how often each patient was drawn."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_patients), rng.integers(1, 4, n_patients))
    truth = (0.3 + rng.normal(0, 0.3, len(patient))).round(2)
    shared = rng.normal(0, 0.1, n_patients)[patient]
    predicted = 0.1 + 0.8 * truth + shared + rng.normal(0, 0.1, len(patient))
    counts = rng.multinomial(n_patients, np.full(n_patients, 1 / n_patients), size=8)
    return predicted, truth, patient, counts.astype(float)


def each_resample(seed):
    predicted, truth, patient, counts = drawn_patients(seed)
    figures = regression_figures(predicted, truth, counts[:, patient], patient.astype(str))
    for row, count in enumerate(counts.astype(int)):
        eyes = [np.flatnonzero(patient == p) for p in np.repeat(np.arange(len(count)), count)]
        index = np.concatenate(eyes)
        own = {path: values[row] for path, values in figures.items()}
        yield own, predicted[index], truth[index], [predicted[e] - truth[e] for e in eyes]


@pytest.mark.parametrize("seed", range(4))
def test_intraclass_correlation_is_that_of_the_two_way_analysis_of_variance(seed):
    for own, p, t, _ in each_resample(seed):
        table = np.column_stack([p, t])
        n, k = table.shape
        grand = table.mean()
        rows, columns = table.mean(axis=1), table.mean(axis=0)
        of_rows = k * ((rows - grand) ** 2).sum() / (n - 1)
        of_columns = n * ((columns - grand) ** 2).sum() / (k - 1)
        left = ((table - rows[:, None] - columns + grand) ** 2).sum() / ((n - 1) * (k - 1))
        expected = (of_rows - left) / (of_rows + (k - 1) * left + k / n * (of_columns - left))
        assert own[("icc",)] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_slopes_and_rank_correlation_equal_scipy(seed):
    for own, p, t, _ in each_resample(seed):
        line = stats.linregress(p, t)
        assert own[("calibration_slope",)] == pytest.approx(line.slope, abs=1e-9)
        assert own[("calibration_intercept",)] == pytest.approx(line.intercept, abs=1e-9)
        plotted = stats.linregress((p + t) / 2, p - t)
        assert own[("loa", "slope")] == pytest.approx(plotted.slope, abs=1e-9)
        assert own[("spearman",)] == pytest.approx(stats.spearmanr(p, t).statistic, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_limits_of_agreement_count_spread_between_and_within_patients(seed):
    """Bland and Altman 2007: one-way analysis of variance of the differences, by hand."""
    for own, p, t, by_patient in each_resample(seed):
        difference = p - t
        sizes = np.array([len(one) for one in by_patient])
        means = np.array([one.mean() for one in by_patient])
        n, m = len(difference), len(sizes)
        within = sum(((one - one.mean()) ** 2).sum() for one in by_patient) / (n - m)
        of_patients = (sizes * (means - difference.mean()) ** 2).sum() / (m - 1)
        divisor = (n**2 - (sizes**2).sum()) / ((m - 1) * n)
        between = max((of_patients - within) / divisor, 0)
        half = 1.96 * np.sqrt(between + within)
        limits = own[("loa", "lower")], own[("loa", "upper")]
        bias = difference.mean()
        assert limits == pytest.approx((bias - half, bias + half), abs=1e-9)


def test_limits_of_two_like_eyes_are_wider_than_those_that_take_them_for_independent():
    """Ten patients, both eyes with the patient's error: ten values tell less than twenty."""
    error = np.repeat(np.arange(10.0), 2) / 10
    truth = np.linspace(0, 1, 20)
    one = np.ones((1, 20))
    naive = regression_figures(truth + error, truth, one)
    aware = regression_figures(truth + error, truth, one, np.repeat(np.arange(10), 2).astype(str))
    sd = {
        name: (figures[("loa", "upper")] - figures[("loa", "lower")])[0] / 3.92
        for name, figures in (("naive", naive), ("aware", aware))
    }
    assert sd["naive"] == pytest.approx(error.std(ddof=1))
    assert sd["aware"] == pytest.approx((np.arange(10.0) / 10).std(ddof=1))


def test_perfect_and_constant_predictions():
    truth = np.array([0.1, 0.2, 0.4, 0.8])
    perfect = regression_figures(truth, truth, np.ones((1, 4)))
    for path in (("icc",), ("spearman",), ("calibration_slope",), ("r2",), ("ccc",)):
        assert perfect[path][0] == pytest.approx(1.0, abs=1e-12), path
    assert perfect[("calibration_intercept",)][0] == pytest.approx(0.0, abs=1e-12)
    constant = regression_figures(np.full(4, 0.3), truth, np.ones((1, 4)))
    for path in (("spearman",), ("calibration_slope",), ("calibration_intercept",)):
        assert np.isnan(constant[path][0]), path
    assert constant[("loa", "slope")][0] == pytest.approx(-2.0)


def test_a_shift_costs_absolute_agreement_but_no_rank():
    rng = np.random.default_rng(0)
    truth = rng.normal(0.3, 0.3, 200)
    figures = regression_figures(truth + 0.3, truth, np.ones((1, 200)))
    assert figures[("spearman",)][0] == pytest.approx(1.0)
    assert figures[("calibration_slope",)][0] == pytest.approx(1.0)
    assert figures[("calibration_intercept",)][0] == pytest.approx(-0.3)
    assert figures[("icc",)][0] < 0.75
