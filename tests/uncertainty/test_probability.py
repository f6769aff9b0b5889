"""Probabilities of recovery: recalibrated as scikit-learn would, and what they mean."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve

from ctt_net.uncertainty.probability import MIN_SLOPE, RecoveryCalibration


def eyes(n, seed=0, slope=0.5, intercept=1.5):
    """A network whose logits are too sure and too low."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 2, n)
    p = 1 / (1 + np.exp(-(intercept + slope * logit)))
    return logit, (rng.random(n) < p).astype(float)


def test_the_line_is_the_one_of_scikit_learn_with_the_targets_of_platt():
    logit, recovered = eyes(300)
    found = RecoveryCalibration.fit(logit, recovered)
    events = recovered.sum()
    target = np.where(recovered == 1, (events + 1) / (events + 2), 1 / (300 - events + 2))
    oracle = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000).fit(
        np.tile(logit, 2)[:, None],
        np.repeat([1, 0], 300),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    assert found.slope == pytest.approx(oracle.coef_[0, 0], abs=1e-4)
    assert found.intercept == pytest.approx(oracle.intercept_[0], abs=1e-4)
    assert (found.n_eyes, found.n_recovered) == (300, events)


def test_a_probability_means_what_it_says_afterwards():
    found = RecoveryCalibration.fit(*eyes(2000))
    logit, recovered = eyes(40_000, seed=1)
    p = 1 / (1 + np.exp(-found.logit(logit)))
    for low in np.arange(0.1, 1.0, 0.1):
        here = (p >= low) & (p < low + 0.1)
        assert recovered[here].mean() == pytest.approx(p[here].mean(), abs=0.04)


def test_the_cut_is_that_of_youden_without_its_noise():
    unseen = eyes(100_000, seed=99)
    false_alarm, hit, cuts = roc_curve(unseen[1], unseen[0])
    best = (hit - false_alarm).max()
    lost, searched = [], []
    for seed in range(40):
        logit, recovered = eyes(300, seed)
        found = RecoveryCalibration.fit(logit, recovered)
        ours = (np.log(found.threshold / (1 - found.threshold)) - found.intercept) / found.slope
        fpr, tpr, scores = roc_curve(recovered, logit)
        theirs = scores[np.argmax(tpr - fpr)]
        for cut, out in ((ours, lost), (theirs, searched)):
            at = np.searchsorted(-cuts, -cut)
            out.append(best - (hit - false_alarm)[min(at, len(cuts) - 1)])
    assert np.mean(lost) < 0.5 * np.mean(searched)
    assert np.mean(lost) < 0.005


@pytest.mark.parametrize("events", [0, 9, 91, 100])
def test_too_few_events_change_nothing(events):
    recovered = np.r_[np.ones(events), np.zeros(100 - events)]
    found = RecoveryCalibration.fit(np.linspace(-1, 1, 100), recovered)
    assert found == RecoveryCalibration()
    assert found.threshold == 0.5
    np.testing.assert_array_equal(found.logit(np.array([-3.0, 3.0])), [-3.0, 3.0])


def test_eyes_without_logit_or_outcome_do_not_count():
    logit, recovered = eyes(200)
    holes = np.full(50, np.nan)
    whole = RecoveryCalibration.fit(logit, recovered)
    padded = RecoveryCalibration.fit(
        np.r_[logit, holes, 1.0], np.r_[recovered, np.ones(50), np.nan]
    )
    assert padded == whole


def test_a_ranking_is_never_turned_round_and_separable_eyes_stay_finite():
    logit, recovered = eyes(300)
    assert RecoveryCalibration.fit(-logit, recovered).slope == pytest.approx(MIN_SLOPE)
    apart = RecoveryCalibration.fit(np.r_[-np.ones(50), np.ones(50)], np.repeat([0.0, 1.0], 50))
    p = 1 / (1 + np.exp(-apart.logit(np.array([-1.0, 1.0]))))
    np.testing.assert_allclose(p, [1 / 52, 51 / 52], atol=1e-3)
