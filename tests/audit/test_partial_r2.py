"""Partial R2 against scikit-learn, and its permutation test."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import Ridge

from ctt_net.audit.partial_r2 import (
    FOLDS,
    PENALTIES,
    partial_r2,
    partial_r2_of_kernel,
    residuals,
)
from ctt_net.audit.resampling import holm, mean_figure, permutations, ratio_figure


def eyes(seed, n=80, signal=0.0):
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(n // 2), 2).astype(str)
    given, features = rng.normal(size=(n, 3)), rng.normal(size=(n, 4))
    fellow = np.repeat(rng.normal(size=n // 2), 2)
    target = given[:, 0] + fellow + 0.5 * rng.normal(size=n) + signal * features[:, 0]
    return features, target, given, patients


def test_the_share_is_that_of_ridge_regression_on_other_patients():
    features, target, given, patients = eyes(0, signal=1.0)
    left, x = residuals(target, given), residuals(features, given)
    x = x / x.std(axis=0)
    names, codes = np.unique(patients, return_inverse=True)
    fold = (np.random.default_rng(0).permutation(len(names)) % FOLDS)[codes]
    shares = []
    for penalty in PENALTIES:
        predicted = np.empty(len(left))
        for k in range(FOLDS):
            train = fold != k
            ridge = Ridge(alpha=penalty * train.sum(), fit_intercept=False)
            predicted[~train] = ridge.fit(x[train], left[train]).predict(x[~train])
        shares.append(1 - ((left - predicted) ** 2).sum() / (left**2).sum())
    r2 = partial_r2(features, target, given, patients, np.inf)
    assert r2.value == pytest.approx(max(shares), abs=1e-9)
    assert r2.figure["value"] == pytest.approx(r2.value)


def test_what_is_given_is_not_told_again():
    _, target, given, patients = eyes(1)
    assert partial_r2(given, target, given, patients, 0.01).p_value == 1.0


def test_a_signal_is_found_and_fellow_eyes_do_not_make_one():
    features, target, given, patients = eyes(2, signal=2.0)
    assert partial_r2(features, target, given, patients, 0.05).p_value < 0.001
    rejected = 0
    for seed in range(100, 120):
        # A feature of the patient, as a site is, beside outcomes that fellow eyes share.
        _, target, given, patients = eyes(seed, n=60)
        site = np.repeat(np.random.default_rng(seed).normal(size=(30, 2)), 2, axis=0)
        rejected += partial_r2(site, target, given, patients, -1.0, seed).p_value <= 0.05
    assert rejected <= 4  # 1 expected; more than 4 in 20 has a chance of 0.003


def test_pictures_tell_by_their_products_what_they_tell_by_their_pixels():
    rng = np.random.default_rng(3)
    patients = np.arange(60).astype(str)
    given = rng.normal(size=(60, 2))
    marked = rng.uniform(size=60) < 0.5
    pictures = rng.normal(size=(60, 500))
    nothing = partial_r2_of_kernel(
        pictures @ pictures.T, marked + 0.3 * rng.normal(size=60), given, patients, 0.1
    )
    assert nothing.value < 0.1
    pictures[marked, :10] += 3
    target = marked + 0.3 * rng.normal(size=60)
    r2 = partial_r2_of_kernel(pictures @ pictures.T, target, given, patients, 0.1)
    assert r2.value > 0.3
    assert r2.p_value < 0.001


def test_permutations_exchange_whole_patients_of_as_many_eyes():
    patients = np.array(["a", "b", "b", "c", "d", "d", "e"])
    places = {frozenset(np.flatnonzero(patients == p).tolist()) for p in set(patients)}
    seen = set()
    for drawn in permutations(patients, 50, seed=0):
        assert sorted(drawn.tolist()) == list(range(7))
        for place in places:
            assert frozenset(drawn[list(place)].tolist()) in places
        seen.add(tuple(drawn.tolist()))
    assert len(seen) == 12  # three single patients, two with both eyes: 3! x 2!


def test_correction_for_several_questions():
    p = [0.01, 0.04, 0.03, 0.005]
    by_hand = [0.03, 0.06, 0.06, 0.02]  # 0.005 x 4, 0.01 x 3, 0.03 x 2, then no smaller
    assert holm(p) == pytest.approx(by_hand)
    assert holm([]) == []


def test_the_interval_of_few_patients_is_students():
    values = np.random.default_rng(5).normal(size=12)
    low, high = mean_figure(values, np.arange(12).astype(str))["ci95"]
    half = stats.t.ppf(0.975, 11) * values.std(ddof=1) / np.sqrt(12)
    assert (high - low) / 2 == pytest.approx(half, rel=0.08)


def test_an_interval_of_a_ratio_holds_its_value():
    rng = np.random.default_rng(4)
    above, below = rng.uniform(0.5, 1.5, 200), rng.uniform(1.5, 2.5, 200)
    figure = ratio_figure(above, below, np.repeat(np.arange(100), 2).astype(str))
    low, high = figure["ci95"]
    assert figure["value"] == pytest.approx(above.sum() / below.sum())
    assert low < figure["value"] < high
    assert high - low < 0.1
