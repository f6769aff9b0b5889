import numpy as np
import pytest

from ctt_net.evaluation import bootstrap
from ctt_net.evaluation.bootstrap import patient_weights, percentile_interval, with_intervals


def mean_of(values):
    return lambda weights: {("mean",): weights @ values / weights.sum(axis=1)}


def two_eyed(seed, n_patients=80, correlation=0.8):
    """Standard normal values of two correlated eyes a patient; the true mean is 0."""
    rng = np.random.default_rng(seed)
    shared = np.repeat(rng.normal(size=n_patients), 2)
    own = rng.normal(size=2 * n_patients)
    patients = np.repeat([f"p{i}" for i in range(n_patients)], 2)
    return np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own, patients


def interval(values, patients, resamples=400, seed=0):
    return with_intervals(mean_of(values), patients, resamples, 0.95, seed)[("mean",)]["ci95"]


def test_both_eyes_of_a_patient_are_drawn_together():
    patients = ["b", "a", "b", "c"]
    weights = np.concatenate(list(patient_weights(patients, 50, 0)))
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    per_patient = weights[:, [0, 1, 3]]
    np.testing.assert_array_equal(per_patient.sum(axis=1), 3)


def test_resampling_patients_covers_the_truth_where_resampling_eyes_does_not():
    # Draws from another stream than the eyes': of the same one they would not be independent.
    hits = {"patients": 0, "eyes": 0}
    widths = {"patients": 0.0, "eyes": 0.0}
    n_studies = 500
    for seed in range(n_studies):
        values, patients = two_eyed(seed)
        for unit, cluster in (("patients", patients), ("eyes", np.arange(len(values)).astype(str))):
            low, high = interval(values, cluster, seed=10_000 + seed)
            hits[unit] += low <= 0 <= high
            widths[unit] += high - low
    assert widths["patients"] > 1.2 * widths["eyes"]
    # Two standard errors of 500 studies around 0.945: with 80 patients a percentile interval is a
    # little short.
    assert 0.925 <= hits["patients"] / n_studies <= 0.965
    assert hits["eyes"] / n_studies < 0.88


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
    def undefined(weights):
        return {("x",): np.full(len(weights), np.nan)}

    figure = with_intervals(undefined, ["a", "b"], 10, 0.95, 0)[("x",)]
    assert figure == {"value": None, "ci95": [None, None]}
    assert percentile_interval(np.array([np.nan] * 20 + [0.1] * 80), 0.95) == [None, None]
    assert percentile_interval(np.array([np.nan] * 5 + [0.1] * 95), 0.95) == [0.1, 0.1]


def test_the_level_is_in_the_key_and_in_the_width():
    values, patients = two_eyed(2)
    wide = with_intervals(mean_of(values), patients, 500, 0.95, 0)[("mean",)]["ci95"]
    narrow = with_intervals(mean_of(values), patients, 500, 0.8, 0)[("mean",)]["ci80"]
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
