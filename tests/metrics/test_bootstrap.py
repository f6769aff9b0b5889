import numpy as np
import pytest
from scipy.stats import norm, t

from ctt_net.metrics import bootstrap
from ctt_net.metrics.bootstrap import (
    affordable_resamples,
    bootstrap_draws,
    patient_bootstrap,
    patient_weights,
)
from ctt_net.metrics.bootstrap_intervals import expanded_level, percentile_interval
from ctt_net.metrics.classification import auroc
from ctt_net.metrics.weighted import mean


def mean_of(values):
    return lambda weights: mean(values, weights)


def two_eyed(seed, n_patients=80, correlation=0.8):
    """Standard normal values of two correlated eyes a patient; the true mean is 0."""
    rng = np.random.default_rng(seed)
    shared = np.repeat(rng.normal(size=n_patients), 2)
    own = rng.normal(size=2 * n_patients)
    patients = np.repeat([f"p{i}" for i in range(n_patients)], 2)
    return np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own, patients


def interval(values, patients, resamples=400, seed=0):
    return patient_bootstrap(mean_of(values), patients, resamples, seed=seed)["ci95"]


def test_both_eyes_of_a_patient_are_drawn_together():
    patients = ["b", "a", "b", "c"]
    weights = np.concatenate(list(patient_weights(patients, 50, 0)))
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    per_patient = weights[:, [0, 1, 3]]
    np.testing.assert_array_equal(per_patient.sum(axis=1), 3)


def studies(n_studies=1000, n_patients=100, correlation=0.7, seed=0):
    """Errors of many studies with two correlated eyes a patient: (studies, eyes)."""
    rng = np.random.default_rng(seed)
    shared = np.repeat(rng.normal(size=(n_studies, n_patients)), 2, axis=1)
    own = rng.normal(size=(n_studies, 2 * n_patients))
    error = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    return 0.05 + 0.15 * error, np.repeat(np.arange(n_patients), 2).astype(str)


def covered(draws, truth, n_patients):
    """Share of the studies (resamples, studies) whose interval holds the truth, and its width."""
    level = expanded_level(0.95, n_patients)
    ends = np.array([percentile_interval(one, level) for one in draws.T])
    return ((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean(), np.diff(ends).mean()


@pytest.mark.parametrize("figure", ["mae", "bias"])
def test_resampling_patients_covers_the_truth_where_resampling_eyes_does_not(figure):
    error, patients = studies()
    bias, sd = 0.05, 0.15
    values, truth = error, bias
    if figure == "mae":  # of a folded normal distribution
        values = np.abs(error)
        truth = sd * np.sqrt(2 / np.pi) * np.exp(-(bias**2) / (2 * sd**2))
        truth += bias * (1 - 2 * norm.cdf(-bias / sd))
    share, width = {}, {}
    for unit, cluster in (("patients", patients), ("eyes", np.arange(200).astype(str))):
        # Draws from another stream than the eyes': of the same one they would not be independent.
        weights = np.concatenate(list(patient_weights(cluster, 1000, seed=77)))
        draws = weights @ values.T / weights.sum(axis=1, keepdims=True)
        share[unit], width[unit] = covered(draws, truth, len(set(cluster)))
    assert 0.93 <= share["patients"] <= 0.97
    assert share["eyes"] < 0.91
    assert width["patients"] > 1.15 * width["eyes"]


def test_the_interval_of_an_auroc_difference_covers_it():
    """Two scores of one eye: binormal, so that each AUROC is a normal probability."""
    rng = np.random.default_rng(3)
    n_studies, n_patients, n_recovered = 1000, 80, 64
    patients = np.repeat(np.arange(n_patients), 2).astype(str)
    truth = norm.cdf(1.4 / np.sqrt(2)) - norm.cdf(0.9 / np.sqrt(2))
    weights = np.concatenate(list(patient_weights(patients, 400, seed=78)))
    # Both eyes of a patient have one outcome, and errors of a score are shared between the eyes.
    label = np.arange(2 * n_patients) < n_recovered
    noise = np.sqrt(0.6) * np.repeat(rng.normal(size=(2, n_studies, n_patients)), 2, axis=2)
    noise += np.sqrt(0.4) * rng.normal(size=(2, n_studies, 2 * n_patients))
    yes, no = weights[:, label], weights[:, ~label]
    pairs = yes.sum(axis=1) * no.sum(axis=1)

    def area(score):
        """Share of pairs in the right order; no two scores are equal."""
        won = (score[label][:, None] > score[~label]).astype(float)
        return np.einsum("rn,rn->r", yes @ won, no) / pairs

    scores = noise + np.array([1.4, 0.9])[:, None, None] * label
    draws = np.stack([area(model) - area(other) for model, other in zip(*scores, strict=True)])
    own = auroc(scores[0, 5], label.astype(float), weights)
    own -= auroc(scores[1, 5], label.astype(float), weights)
    np.testing.assert_allclose(draws[5], own, atol=1e-12)
    share, _ = covered(draws.T, truth, n_patients)
    assert 0.93 <= share <= 0.97


def test_percentiles_of_few_patients_reach_students_interval():
    """Of a mean, where both are exact: the expanded percentiles are Student's ends."""
    values = np.random.default_rng(0).normal(size=12)
    found = patient_bootstrap(mean_of(values), [f"p{i:02d}" for i in range(12)], 40_000, seed=1)
    half = t.ppf(0.975, 11) * values.std(ddof=1) / np.sqrt(12)
    low, high = found["ci95"]
    assert (high - low) / 2 == pytest.approx(half, rel=0.04)


def test_figures_of_one_call_share_their_resamples():
    """So differences are paired, however they are nested."""
    values, patients = two_eyed(3, n_patients=30)
    worse = values + 0.01

    def statistic(weights):
        one, other = mean_of(values)(weights), mean_of(worse)(weights)
        return {"figures": [one, {"gap": one - other}], "n_eyes": len(values)}

    found = patient_bootstrap(statistic, patients, 50)
    assert found["n_eyes"] == 60
    mean, gap = found["figures"]
    assert mean["value"] == pytest.approx(values.mean())
    assert mean["ci95"][1] - mean["ci95"][0] > 0.1
    assert gap["gap"]["ci95"] == pytest.approx([-0.01, -0.01])


def test_draws_begin_with_the_value_and_stack_whatever_stands_behind_a_resample():
    values, patients = two_eyed(3, n_patients=30)
    draws = bootstrap_draws(lambda w: w[:, :, None] * values[:, None], patients, 7, 0)
    assert draws.shape == (8, 60, 1)
    np.testing.assert_array_equal(draws[0, :, 0], values)


def test_very_many_eyes_have_fewer_resamples():
    assert affordable_resamples(20_000, 2000) == 2000
    assert affordable_resamples(40_000, 2000) == 1000
    assert affordable_resamples(10_000_000, 2000) == 400
    assert affordable_resamples(10_000_000, 50) == 50


def test_interval_of_a_mean_is_that_of_the_cluster_formula():
    values, patients = two_eyed(5, n_patients=200)
    means = values.reshape(-1, 2).mean(axis=1)
    half = 1.96 * means.std() / np.sqrt(200)
    low, high = interval(values, patients, resamples=8000)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)


def test_blocks_do_not_change_the_draws(monkeypatch):
    values, patients = two_eyed(1)
    whole = interval(values, patients)
    monkeypatch.setattr(bootstrap, "BLOCK_CELLS", 1000)
    assert interval(values, patients) == pytest.approx(whole, abs=1e-12)


def test_an_undefined_figure_has_no_interval():
    figure = patient_bootstrap(lambda w: np.full(len(w), np.nan), ["a", "b"], 10)
    assert figure == {"value": None, "ci95": [None, None]}
    assert percentile_interval(np.array([np.nan] * 20 + [0.1] * 80), 0.95) == [None, None]
    assert percentile_interval(np.array([np.nan] * 5 + [0.1] * 95), 0.95) == [0.1, 0.1]


def test_the_level_is_in_the_key_and_in_the_width():
    values, patients = two_eyed(2)
    wide = patient_bootstrap(mean_of(values), patients, 500)["ci95"]
    narrow = patient_bootstrap(mean_of(values), patients, 500, level=0.8)["ci80"]
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
