"""Contributions are the Shapley values of the prediction, by their definition and their axioms."""

from itertools import permutations

import numpy as np
import pytest

from ctt_net.explain import contributions, shapley_values
from tests.explain.fake import FakePredictor, one_eye


def tangled(pixels, present, preop, covariates):
    """Every input interacts with every other."""
    parts = [pixels[v].mean() / 255 if present[v] else 0.0 for v in range(len(present))]
    known = np.nan_to_num([preop, *covariates], nan=-1.0) / [1, 100, 1, 1000]
    total = sum(weight * part for weight, part in zip((0.7, -0.4, 0.2), parts, strict=False))
    return float(np.sin(3 * total) + np.prod(1 + known) + total * known[0] ** 2)


def by_permutations(worth, n):
    """The other definition: mean gain on joining, over all orders of joining."""
    orders = list(permutations(range(n)))
    values = np.zeros(n)
    for order in orders:
        joined = 0
        for player in order:
            values[player] += worth[joined | 1 << player] - worth[joined]
            joined |= 1 << player
    return values / len(orders)


def named(predictor, table, scans):
    base, found = contributions(predictor, table, scans)[0]
    return base, {one.name: one.logmar for one in found}


@pytest.mark.parametrize("n", [0, 1, 2, 5, 6])
def test_values_are_the_mean_gain_over_all_orders(n):
    worth = np.random.default_rng(n).normal(size=2**n)
    values = shapley_values(worth)
    np.testing.assert_allclose(values, by_permutations(worth, n), atol=1e-12)
    assert values.sum() == pytest.approx(worth[-1] - worth[0], abs=1e-12)


def test_worth_of_no_game_is_refused():
    with pytest.raises(ValueError, match="power of two"):
        shapley_values(np.zeros(3))


def test_what_is_withheld_is_absent_as_the_network_knows_it():
    table, scans = one_eye()
    predictor = FakePredictor(tangled)
    pixels, covariates = scans.pixels[0], np.array([70.0, 1.0, 400.0])
    unknown = np.full(3, np.nan)
    worth = np.zeros(32)
    for k in range(32):
        a, b, preop, measures, others = ((k >> i) & 1 for i in range(5))
        given = np.where([others, others, measures], covariates, unknown)
        worth[k] = tangled(pixels, np.array([a, b]), 0.5 if preop else np.nan, given)
    base, found = named(predictor, table, scans)
    assert list(found) == ["a", "b", "preop_va", "measures", "covariates"]
    assert base == worth[0]
    np.testing.assert_allclose(list(found.values()), by_permutations(worth, 5), atol=1e-12)
    assert base + sum(found.values()) == pytest.approx(worth[-1], abs=1e-12)
    assert predictor.passes == 32


def test_what_is_absent_or_unread_contributes_nothing():
    table, scans = one_eye()

    def no_b(pixels, present, preop, covariates):
        return tangled(pixels[:1], present[:1], preop, covariates)

    assert named(FakePredictor(no_b), table, scans)[1]["b"] == 0
    whole = named(FakePredictor(no_b), table, scans)[1]
    scans.present[0, 1] = False
    assert named(FakePredictor(tangled), table, scans)[1] == pytest.approx(
        {name: value for name, value in whole.items() if name != "b"}, abs=1e-12
    )
    table[["preop_logmar", "age_years", "sex", "a_hole_um"]] = np.nan
    assert list(named(FakePredictor(tangled), table, scans)[1]) == ["a"]
    scans.present[0] = False
    assert named(FakePredictor(tangled), table, scans)[1] == {}


def test_inputs_that_do_the_same_contribute_the_same():
    table, scans = one_eye()
    found = named(FakePredictor(lambda _, present, *__: float(present.sum()) ** 2), table, scans)[1]
    assert found["a"] == pytest.approx(found["b"]) == pytest.approx(2.0)


def test_a_measure_stands_where_only_its_picture_is_withheld():
    table, scans = one_eye()
    found = named(FakePredictor(lambda *eye: np.nan_to_num(eye[3][2]) / 1000), table, scans)[1]
    assert found == pytest.approx(
        {"a": 0, "b": 0, "preop_va": 0, "measures": 0.4, "covariates": 0}, abs=1e-7
    )


def test_an_acuity_off_the_chart_is_withheld_with_its_word():
    table, scans = one_eye(preop_logmar=1.9, preop_off_chart="CF")
    assert "preop_va" in named(FakePredictor(tangled), table, scans)[1]


def test_many_views_are_grouped_by_direction():
    directions = ["horizontal"] * 5 + ["vertical", "oblique"]
    table, scans = one_eye(views=7)
    predictor = FakePredictor(tangled, directions)
    base, found = named(predictor, table, scans)
    assert list(found) == [
        "horizontal views", "f", "g", "preop_va", "measures", "covariates",
    ]  # fmt: skip
    whole = tangled(scans.pixels[0], scans.present[0], 0.5, np.array([70.0, 1.0, 400.0]))
    assert base + sum(found.values()) == pytest.approx(whole, abs=1e-12)
    assert predictor.passes == 64
