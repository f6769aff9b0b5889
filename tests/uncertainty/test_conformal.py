"""Half widths against crepes and the formula written out; how alike networks err."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from ctt_net.acuity import BANDS
from ctt_net.uncertainty.conformal import (
    Scores,
    error_correlation,
    half_widths,
    shrinkage,
)


def draw(rng, n, bands=BANDS[:3], p=(0.5, 0.45, 0.05)):
    return rng.exponential(1, n), rng.choice(bands, n, p=p), rng.uniform(0.05, 0.3, n)


def test_one_network_equals_mondrian_normalised_conformal_prediction_of_crepes():
    crepes = pytest.importorskip("crepes")
    rng = np.random.default_rng(0)
    score, band, scale = draw(rng, 400, BANDS[:2], (0.6, 0.4))
    oracle = crepes.ConformalRegressor().fit(score * scale, sigmas=scale, bins=band)
    _, new_band, new_scale = draw(rng, 50, BANDS[:2], (0.5, 0.5))
    expected = oracle.predict_int(np.zeros(50), sigmas=new_scale, bins=new_band, confidence=0.9)
    found = half_widths([Scores.of_eyes(score, band)], new_scale[None], new_band, 0.9, None)
    np.testing.assert_allclose(found, np.ravel(expected[:, 1]), rtol=1e-5)  # a file keeps 6 digits


@pytest.mark.parametrize(
    ("few", "factor", "whose"),
    [(29, 3.0, "all"), (60, 3.0, "own"), (60, 0.3, "all"), (120, 0.3, "own")],
)
def test_a_small_band_is_never_narrower_than_all_together(few, factor, whose):
    rng = np.random.default_rng(1)
    score = np.r_[rng.exponential(1, 400), factor * rng.exponential(1, few)]
    band = np.repeat(BANDS[:2], [400, few])
    one = np.ones((1, 1))
    found = half_widths([Scores.of_eyes(score, band)], one, np.array(BANDS[1:2]), 0.9, None)
    chosen = np.sort({"own": score[400:], "all": score}[whose])
    assert found[0] == pytest.approx(chosen[math.ceil((len(chosen) + 1) * 0.9) - 1], rel=1e-5)


def test_scores_of_several_networks_are_multiplied_by_their_own_scale():
    rng = np.random.default_rng(2)
    counts, M, E = (31, 40, 22), 3, 6
    score, band, _ = draw(rng, sum(counts))
    owner = np.repeat(np.arange(M), counts)
    scores = [Scores.of_eyes(score[owner == m], band[owner == m]) for m in range(M)]
    scales = rng.uniform(0.1, 0.4, (M, E))
    found = half_widths(scores, scales, np.full(E, BANDS[0]), 0.8)
    rank = math.ceil((sum(counts) + 1) * 0.8)
    for e in range(E):
        products = sorted(score[i] * scales[owner[i], e] for i in range(sum(counts)))
        assert found[e] == pytest.approx(products[rank - 1], rel=1e-5)


def test_too_few_patients_for_the_level_give_a_wider_interval_than_any_seen():
    few = [Scores({"unknown": (1.0, 2.0)}), Scores({"unknown": (3.0,)})]
    one = half_widths(few[:1], np.array([[0.5]]), np.array(["unknown"]), 0.9)
    two = half_widths(few, np.array([[0.5], [0.1]]), np.array(["unknown"]), 0.9)
    assert one[0] == pytest.approx(2 * 2.0 * 0.5)
    assert two[0] == pytest.approx(2 * 2.0 * 0.5)


@pytest.mark.parametrize("n", [9, 19, 29, 49, 99, 199])
def test_the_rank_is_that_of_exact_arithmetic(n):
    level = 0.9
    found = half_widths(
        [Scores({"unknown": tuple(np.arange(1.0, n + 1))})], np.ones((1, 1)),
        np.array(["unknown"]), level, None,
    )  # fmt: skip
    assert found[0] == -(-(n + 1) * 9 // 10)


def test_four_bands_of_five_hold_their_level_for_patients_to_come():
    """Of uniform scores a quantile is its own coverage."""
    rng = np.random.default_rng(6)
    here, one = np.array(BANDS[:1]), np.ones((1, 1))
    found = {
        confidence: [
            half_widths(
                [Scores.of_eyes(rng.uniform(size=250), np.full(250, BANDS[0]))], one, here, 0.9,
                *confidence,
            )[0]
            for _ in range(1000)
        ]
        for confidence in ((), (None,))
    }  # fmt: skip
    # Beta(230, 21) lies above 0.9 with 0.82; three standard errors of 1,000 calibrations.
    assert np.mean(np.array(found[()]) >= 0.9) == pytest.approx(
        beta.sf(0.9, 230, 21), abs=3 * np.sqrt(0.82 * 0.18 / 1000)
    )
    assert beta.sf(0.9, 230, 21) > 0.8 > beta.sf(0.9, 229, 22)
    assert np.mean(np.array(found[(None,)]) >= 0.9) < 0.6
    assert np.mean(found[()]) < 0.92


def test_large_tables_are_split_without_a_seam(monkeypatch):
    rng = np.random.default_rng(3)
    scores = [Scores.of_eyes(rng.exponential(1, 20), np.full(20, BANDS[0])) for _ in range(2)]
    scales, band = rng.uniform(0.1, 0.4, (2, 50)), np.full(50, BANDS[0])
    whole = half_widths(scores, scales, band, 0.9)
    monkeypatch.setattr("ctt_net.uncertainty.conformal.BLOCK_CELLS", 100)
    np.testing.assert_array_equal(half_widths(scores, scales, band, 0.9), whole)


def test_networks_that_err_alike_are_found_alike():
    rng = np.random.default_rng(4)
    n, wanted = 4000, 0.8
    common, own = rng.normal(size=n), rng.normal(size=(2, n))
    errors = np.sqrt(wanted) * common + np.sqrt(1 - wanted) * own
    names = pd.Index([f"e{i}" for i in range(n)])
    unseen = pd.Series(errors[0], names)
    selected = [
        pd.Series(errors[1, :2000], names[:2000]),
        pd.Series(errors[1, 2000:], names[2000:]),
    ]
    # Three standard errors of a correlation of 4,000.
    assert error_correlation(unseen, selected) == pytest.approx(wanted, abs=3 * 0.36 / np.sqrt(n))
    assert error_correlation(unseen, [-selected[0]]) == 0.0


def test_without_enough_shared_eyes_nothing_is_gained_from_averaging():
    few = pd.Series(np.random.default_rng(5).normal(size=29), [f"e{i}" for i in range(29)])
    assert error_correlation(few, [few[::-1] * 0.5]) == 1.0
    assert error_correlation(few, []) == 1.0
    assert shrinkage(5, 1.0) == 1.0


@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.9])
def test_shrinkage_is_the_error_of_a_mean_of_networks(correlation):
    covariance = np.full((5, 5), correlation) + np.eye(5) * (1 - correlation)
    mean = np.full(5, 0.2)
    assert shrinkage(5, correlation) == pytest.approx(np.sqrt(mean @ covariance @ mean))
