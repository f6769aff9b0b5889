"""Agreement and calibration of acuity against scipy, or the formula on repeated eyes."""

import numpy as np
import pytest
from scipy import stats

from ctt_net.metrics.agreement import (
    calibration_line,
    ccc,
    difference_slope,
    icc,
    limits_of_agreement,
)
from ctt_net.metrics.regression import r2, spearman


def resampled_patients(seed, n_patients=30):
    """Eyes of patients with one, two or three, and how often each patient was drawn."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_patients), rng.integers(1, 4, n_patients))
    truth = (0.3 + rng.normal(0, 0.3, len(patient))).round(2)
    shared = rng.normal(0, 0.1, n_patients)[patient]
    predicted = 0.1 + 0.8 * truth + shared + rng.normal(0, 0.1, len(patient))
    counts = rng.multinomial(n_patients, np.full(n_patients, 1 / n_patients), size=8)
    return predicted, truth, patient, counts.astype(float)


def each_resample(seed, figure):
    """The figure of each row of weights, and the eyes that it stands for, by patient."""
    predicted, truth, patient, counts = resampled_patients(seed)
    found = np.stack(figure(predicted, truth, counts[:, patient], patient), axis=-1)
    for own, count in zip(found, counts.astype(int), strict=True):
        eyes = [np.flatnonzero(patient == p) for p in np.repeat(np.arange(len(count)), count)]
        index = np.concatenate(eyes)
        yield own, predicted[index], truth[index], [predicted[e] - truth[e] for e in eyes]


@pytest.mark.parametrize("seed", range(4))
def test_intraclass_correlation_is_that_of_the_two_way_analysis_of_variance(seed):
    for (own,), p, t, _ in each_resample(seed, lambda p, t, w, _: [icc(p, t, w)]):
        table = np.column_stack([p, t])
        n, k = table.shape
        grand = table.mean()
        rows, columns = table.mean(axis=1), table.mean(axis=0)
        of_rows = k * ((rows - grand) ** 2).sum() / (n - 1)
        of_columns = n * ((columns - grand) ** 2).sum() / (k - 1)
        left = ((table - rows[:, None] - columns + grand) ** 2).sum() / ((n - 1) * (k - 1))
        expected = (of_rows - left) / (of_rows + (k - 1) * left + k / n * (of_columns - left))
        assert own == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_slopes_equal_scipy(seed):
    def figures(p, t, w, _):
        return [*calibration_line(p, t, w), difference_slope(p, t, w)]

    for own, p, t, _ in each_resample(seed, figures):
        line, plotted = stats.linregress(p, t), stats.linregress((p + t) / 2, p - t)
        expected = [line.slope, line.intercept, plotted.slope]
        assert own == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_limits_of_agreement_count_spread_between_and_within_patients(seed):
    """Bland and Altman 2007: one-way analysis of variance of the differences, by hand."""
    for own, p, t, by_patient in each_resample(seed, limits_of_agreement):
        difference = p - t
        sizes = np.array([len(one) for one in by_patient])
        means = np.array([one.mean() for one in by_patient])
        n, m = len(difference), len(sizes)
        within = sum(((one - one.mean()) ** 2).sum() for one in by_patient) / (n - m)
        of_patients = (sizes * (means - difference.mean()) ** 2).sum() / (m - 1)
        divisor = (n**2 - (sizes**2).sum()) / ((m - 1) * n)
        between = max((of_patients - within) / divisor, 0)
        half = 1.96 * np.sqrt(between + within)
        bias = difference.mean()
        assert own == pytest.approx([bias - half, bias + half], abs=1e-9)


def test_limits_of_two_like_eyes_are_wider_than_those_that_take_them_for_independent():
    """Ten patients, both eyes with the patient's error: ten values tell less than twenty."""
    error = np.repeat(np.arange(10.0), 2) / 10
    truth = np.linspace(0, 1, 20)
    naive = np.diff(limits_of_agreement(truth + error, truth))[0] / 3.92
    aware = limits_of_agreement(truth + error, truth, patients=np.repeat(np.arange(10), 2))
    assert naive == pytest.approx(error.std(ddof=1))
    assert np.diff(aware)[0] / 3.92 == pytest.approx((np.arange(10.0) / 10).std(ddof=1))


def test_perfect_and_constant_predictions():
    truth = np.array([0.1, 0.2, 0.4, 0.8])
    for figure in (icc, spearman, r2, ccc):
        assert figure(truth, truth) == pytest.approx(1.0, abs=1e-12), figure
    assert calibration_line(truth, truth) == pytest.approx((1.0, 0.0), abs=1e-12)
    constant = np.full(4, 0.3)
    assert np.isnan(spearman(constant, truth))
    assert np.isnan(calibration_line(constant, truth)).all()
    assert difference_slope(constant, truth) == pytest.approx(-2.0)


def test_a_shift_costs_absolute_agreement_but_no_rank():
    truth = np.random.default_rng(0).normal(0.3, 0.3, 200)
    assert spearman(truth + 0.3, truth) == pytest.approx(1.0)
    assert calibration_line(truth + 0.3, truth) == pytest.approx((1.0, -0.3))
    assert icc(truth + 0.3, truth) < 0.75
