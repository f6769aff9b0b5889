"""Effect sizes and chance against independent oracles."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway, spearmanr

from ctt_net.check.scans.shortcuts import rank_correlation
from ctt_net.check.tables.shortcuts import association


def draw(effect, n=120, seed=0):
    rng = np.random.default_rng(seed)
    groups = pd.Series(rng.choice(["a", "b", "c"], n))
    values = pd.Series(rng.normal(size=n) + effect * (groups == "b"))
    return groups, values, pd.Series([f"p{number}" for number in range(n)])


@pytest.mark.parametrize("effect", [0.0, 0.4, 2.0])
def test_effect_and_chance_are_those_of_an_analysis_of_variance(effect):
    groups, values, patients = draw(effect)
    link = association(groups, values, patients, least_effect=-1.0)
    parts = [values[groups == name] for name in "abc"]
    test = f_oneway(*parts)
    n, k = len(values), 3
    omega = (k - 1) * (test.statistic - 1) / ((k - 1) * (test.statistic - 1) + n)  # Hays 1963
    assert link.omega_squared == pytest.approx(omega)
    assert link.p_value == pytest.approx(test.pvalue, abs=0.03)
    assert link.medians["a"] == pytest.approx(values[groups == "a"].median())


def test_many_eyes_of_few_patients_are_no_evidence():
    """Each patient's value repeated a hundred times: the chance is that of the patients."""
    groups, values, patients = draw(0.8, n=12, seed=3)
    once = association(groups, values, patients, least_effect=-1.0)
    often = association(
        *(pd.concat([column] * 100, ignore_index=True) for column in (groups, values, patients)),
        least_effect=-1.0,
    )
    assert often.p_value == pytest.approx(once.p_value)
    assert often.n_patients == once.n_patients


def test_one_group_says_nothing():
    groups, values, patients = draw(0.0)
    assert association(groups.map(lambda _: "a"), values, patients) is None
    assert association(groups, values * 0, patients) is None


def test_rank_correlation_is_spearmans_and_its_interval_covers():
    rng = np.random.default_rng(1)
    left = rng.normal(size=400).round(1)
    right = -0.5 * left + rng.normal(size=400)
    rho, low, high = rank_correlation(left, right, pd.Series(range(400)))
    assert rho == pytest.approx(spearmanr(left, right).statistic)
    assert low < rho < high
    assert high - low == pytest.approx(2 * 1.96 * (1 - rho**2) / np.sqrt(400), rel=0.25)


def test_fellow_eyes_that_repeat_each_other_widen_the_interval():
    rng = np.random.default_rng(2)
    left, right = rng.normal(size=(2, 100))
    once = rank_correlation(left, right, pd.Series(range(100)))
    twice = rank_correlation(np.tile(left, 2), np.tile(right, 2), pd.Series([*range(100)] * 2))
    assert twice[2] - twice[1] == pytest.approx(once[2] - once[1], rel=0.15)
