"""Intervals of figures whose resamples are skewed: how often they hold the truth; their ends."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binomtest, norm, t

from ctt_net.metrics.bootstrap import patient_weights
from ctt_net.metrics.bootstrap_intervals import (
    expanded_level,
    interval_ends,
    newcombe_interval,
    percentile_interval,
    share_interval,
    symmetric_interval,
    wilson_interval,
)
from ctt_net.metrics.calibration import calibration_slope

N_PATIENTS = 40
PATIENTS = np.repeat(np.arange(N_PATIENTS), 2).astype(str)


def both_eyes(rng, n_studies, correlation=0.7):
    """Standard normal values of two correlated eyes a patient: (studies, eyes)."""
    shared = np.repeat(rng.normal(size=(n_studies, N_PATIENTS)), 2, axis=1)
    own = rng.normal(size=(n_studies, 2 * N_PATIENTS))
    return np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own


def covered(path, draws, truth):
    """Share of the studies (1 + resamples, studies) that hold the truth; by percentiles, too."""
    level = expanded_level(0.95, N_PATIENTS)
    new = np.array([interval_ends(path, one, 0.95, N_PATIENTS) for one in draws.T], dtype=float)
    old = np.array([percentile_interval(one[1:], level) for one in draws.T], dtype=float)
    return [((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean() for ends in (new, old)]


def weights(resamples):
    drawn = np.concatenate(list(patient_weights(PATIENTS, resamples, seed=77)))
    return np.concatenate([np.ones((1, len(PATIENTS))), drawn])


def test_areas_under_the_curve_of_few_patients_are_covered_where_percentiles_fail():
    rng = np.random.default_rng(3)
    label = np.arange(2 * N_PATIENTS) < 24
    truth = norm.cdf(2.0 / np.sqrt(2))
    score = both_eyes(rng, 1000, 0.6) + 2.0 * label
    drawn = weights(300)
    yes, no = drawn[:, label], drawn[:, ~label]
    pairs = yes.sum(axis=1) * no.sum(axis=1)
    with np.errstate(invalid="ignore"):
        draws = np.stack(
            [
                np.einsum("rn,rn->r", yes @ (one[label][:, None] > one[~label]), no) / pairs
                for one in score
            ],
            axis=1,
        )
    new, old = covered(("recovery", "reaches_0.30", "auroc"), draws, truth)
    assert 0.93 <= new <= 0.97
    assert old < 0.92


def test_shares_near_one_are_covered_where_percentiles_fail():
    rng = np.random.default_rng(4)
    inside = both_eyes(rng, 2000) < norm.ppf(0.94)
    drawn = weights(300)
    draws = drawn @ inside.T / drawn.sum(axis=1, keepdims=True)
    new, old = covered(("interval", "coverage"), draws, 0.94)
    # A share of exactly 1 takes Wilson's interval, which errs on the wide side.
    assert 0.93 <= new <= 0.975
    assert old < 0.93


def test_the_slope_of_probabilities_is_covered_where_percentiles_fail():
    rng = np.random.default_rng(5)
    n_studies = 300
    odds = 1.5 * both_eyes(rng, n_studies)
    recovered = (rng.random(odds.shape) < expit(odds)).astype(float)
    drawn = weights(200)
    slopes = [
        calibration_slope(expit(one), label, drawn)
        for one, label in zip(odds, recovered, strict=True)
    ]
    new, old = covered(("calibration", "reaches_0.30", "slope"), np.stack(slopes, axis=1), 1.0)
    assert 0.93 <= new <= 0.97
    assert old < 0.92


def test_ends_of_a_share_are_those_of_the_textbook():
    rng = np.random.default_rng(0)
    draws = rng.normal(0.9, 0.03, 50_000)
    low, high = share_interval(0.9, draws, 0.95, 20)
    reach = t.ppf(0.975, 19) * np.sqrt(20 / 19) * 0.03 / (0.9 * 0.1)
    assert low == pytest.approx(expit(logit(0.9) - reach), abs=2e-3)
    assert high == pytest.approx(expit(logit(0.9) + reach), abs=2e-3)


@pytest.mark.parametrize("path", [("regression", "mae"), ("interval", "coverage"), ("auroc",)])
def test_one_patient_leaves_no_interval(path):
    assert interval_ends(path, np.full(101, 0.5), 0.95, 1) == [None, None]
    assert None not in interval_ends(path, np.full(101, 0.5), 0.95, 2)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_share_of_none_or_all_is_not_told_as_certain(value):
    """No resample differs: the interval comes from the number of patients, or there is none."""
    draws = np.full(101, value)
    low, high = interval_ends(("interval", "coverage"), draws, 0.95, 18)
    assert high - low == pytest.approx(0.1759, abs=1e-4)
    assert value in (low, high)
    # Of how many eyes a sensitivity is, a path does not tell.
    path = ("recovery", "gain", "sensitivity")
    assert interval_ends(path, draws, 0.95, 30) == [None, None]
    assert interval_ends(path, draws, 0.95, 30, n_measured=18) == [low, high]


@pytest.mark.parametrize(("held", "n"), [(15, 15), (0, 12), (7, 20), (19, 20)])
def test_wilsons_interval_is_that_of_scipy(held, n):
    expected = binomtest(held, n).proportion_ci(0.9, method="wilson")
    assert wilson_interval(held / n, n, 0.9) == pytest.approx(list(expected), abs=1e-12)


def test_newcombes_interval_is_that_of_his_paper():
    """Newcombe 1998, table II, method 10: 56/70 against 48/80, and 10/10 against 0/20."""
    assert newcombe_interval((56 / 70, 70), (48 / 80, 80), 0.95) == pytest.approx(
        [0.0524, 0.3339], abs=5e-5
    )
    assert newcombe_interval((1.0, 10), (0.0, 20), 0.95) == pytest.approx([0.6791, 1.0], abs=5e-5)
    assert share_interval(0.9, np.r_[np.full(80, 0.9), np.full(20, np.nan)], 0.95, 20) == [
        None, None,
    ]  # fmt: skip


def test_a_few_endless_slopes_do_not_widen_the_interval():
    draws = np.random.default_rng(0).normal(1, 0.2, 20_000)
    low, high = symmetric_interval(1.0, draws, 0.95, 100_000)
    assert (low, high) == pytest.approx((1 - 1.96 * 0.2, 1 + 1.96 * 0.2), abs=0.01)
    draws[:200] = 900.0
    assert symmetric_interval(1.0, draws, 0.95, 100_000) == pytest.approx([low, high], abs=0.01)


@pytest.mark.parametrize(
    "path",
    [
        ("regression", "mae"),
        ("regression", "loa", "slope"),
        ("versus", "mean", "auroc_difference", "auroc"),  # an outcome of that name
        ("subgroups", "coverage", "east", "coverage_gap"),
        (),
    ],
)
def test_other_figures_keep_their_percentiles(path):
    draws = np.r_[0.5, np.random.default_rng(0).normal(0.4, 0.1, 400)]
    level = expanded_level(0.95, 30)
    assert interval_ends(path, draws, 0.95, 30) == percentile_interval(draws[1:], level)
    assert interval_ends(("auroc",), draws, 0.95, 30) != percentile_interval(draws[1:], level)
    assert interval_ends(path, np.full(401, np.nan), 0.95, 30) == [None, None]
