"""Widths of intervals: the formulas against simulated eyes, two of a patient among them."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.errors import InputError
from ctt_net.planning.precision import (
    Z95,
    auroc_half_width,
    design_effect,
    eyes_needed,
    fellow_correlation,
    mean_half_width,
    share_half_width,
)


def simulated(draws, patients, share_of_pairs, correlation, seed=0):
    """(draws, eyes) normal values, alike within a patient, and the patient of each eye."""
    rng = np.random.default_rng(seed)
    pairs = round(patients * share_of_pairs)
    patient = np.concatenate([np.repeat(np.arange(pairs), 2), np.arange(pairs, patients)])
    own = rng.normal(size=(draws, len(patient)))
    common = rng.normal(size=(draws, patients))[:, patient]
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own, patient


@pytest.mark.parametrize(
    ("eyes", "half_width"), [(100, 0.025), (160, 0.020), (410, 0.013), (1000, 0.008)]
)
def test_half_width_of_the_mae_at_an_sd_of_0_13(eyes, half_width):
    assert mean_half_width(0.13)(eyes) == pytest.approx(half_width, abs=5e-4)


@pytest.mark.parametrize(
    ("share_of_pairs", "correlation"), [(0, 0.6), (0.5, 0.6), (1, 0.3), (1, 1)]
)
def test_the_spread_of_a_mean_over_eyes_is_that_of_the_design_effect(share_of_pairs, correlation):
    values, patient = simulated(4000, 120, share_of_pairs, correlation)
    eyes = len(patient)
    expected = mean_half_width(1.0)(eyes / design_effect(eyes / 120, correlation))
    assert Z95 * values.mean(axis=1).std() == pytest.approx(expected, rel=0.05)


def test_the_spread_of_mae_and_coverage_is_that_of_their_own_correlation():
    values, patient = simulated(4000, 150, 1.0, 0.7)
    for figure, half_width in (
        (np.abs(values), mean_half_width(np.abs(values).std())),
        ((np.abs(values) < 1.645).astype(float), share_half_width(0.9)),
    ):
        alike = np.mean([fellow_correlation(one, pd.Series(patient)) for one in figure[:50]])
        expected = half_width(figure.shape[1] / design_effect(2.0, alike))
        assert Z95 * figure.mean(axis=1).std() == pytest.approx(expected, rel=0.07)


def test_the_spread_of_the_auroc():
    recovered = np.arange(150) < 100
    scores = np.random.default_rng(1).normal(size=(2000, 150)) + 1.2 * recovered
    ranks = scores.argsort(axis=1).argsort(axis=1) + 1
    found = (ranks[:, recovered].sum(axis=1) - 100 * 101 / 2) / (100 * 50)
    expected = auroc_half_width(float(found.mean()), 2 / 3)(150)
    assert Z95 * found.std() == pytest.approx(expected, rel=0.1)


def test_wilson_by_its_own_definition():
    half, n, p = share_half_width(0.93)(80), 80, 0.93
    centre = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    for bound in (centre - half, centre + half):
        assert abs(p - bound) == pytest.approx(Z95 * np.sqrt(bound * (1 - bound) / n), rel=1e-9)


@pytest.mark.parametrize("effect", [1.0, 1.4])
def test_one_eye_fewer_would_not_do(effect):
    for half_width, wanted in (
        (mean_half_width(0.2), 0.02),
        (share_half_width(0.9), 0.05),
        (auroc_half_width(0.85, 0.8), 0.05),
    ):
        n = eyes_needed(half_width, wanted, effect)
        assert half_width(n / effect) <= wanted < half_width((n - 1) / effect)


def test_fellow_correlation_finds_what_was_simulated():
    values, patient = simulated(1, 4000, 0.8, 0.45)
    assert fellow_correlation(values[0], pd.Series(patient)) == pytest.approx(0.45, abs=0.04)
    assert fellow_correlation(-values[0] + 7, pd.Series(patient)) == pytest.approx(0.45, abs=0.04)
    few = pd.Series(["a", "a", "b", "b", "c"])
    assert fellow_correlation(np.arange(5.0), few) is None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: mean_half_width(0),
        lambda: mean_half_width(float("nan")),
        lambda: share_half_width(1.0),
        lambda: auroc_half_width(0.3, 0.5),
        lambda: auroc_half_width(0.8, 0.0),
        lambda: design_effect(2.5, 0.5),
        lambda: design_effect(1.5, -0.5),
        lambda: eyes_needed(mean_half_width(0.2), -1),
        lambda: eyes_needed(mean_half_width(0.2), 1e-9),
    ],
)
def test_impossible_values_are_refused(wrong):
    with pytest.raises(InputError):
        wrong()
