"""Cells of like eyes stand for the eyes where there are many."""

import numpy as np
import pytest

from ctt_net.evaluation import coarse, evaluate, measured, regression
from ctt_net.evaluation.coarse import Cells, like_values, measured_finely


def test_cells_sum_weights_and_average_values_of_like_eyes():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 3, 40), rng.integers(0, 2, 40)
    chosen = rng.random(40) < 0.8
    values, weights = rng.normal(size=40), rng.integers(0, 4, (5, 40)).astype(float)
    cells = Cells([first, second], chosen)
    means, sums = cells.mean(values), cells.weights(weights)
    for number, (a, b) in enumerate(np.unique(np.column_stack([first, second])[chosen], axis=0)):
        inside = chosen & (first == a) & (second == b)
        assert means[number] == pytest.approx(values[inside].mean(), abs=1e-12)
        np.testing.assert_allclose(sums[:, number], weights[:, inside].sum(axis=1))


def test_like_values_keep_order_and_ties_and_fill_cells_alike():
    values = np.random.default_rng(0).normal(size=5000).round(2)
    place = like_values(values, 20)
    order = np.argsort(values)
    assert (np.diff(place[order]) >= 0).all()
    assert set(place) == set(range(20))
    assert np.bincount(place).max() < 1.3 * 250
    assert all(len(set(place[values == value])) == 1 for value in np.unique(values)[:50])


def test_the_value_is_that_of_the_eyes_and_draws_move_along():
    fine = measured_finely(
        lambda weights: {("x",): np.full(len(weights), 0.7)},
        lambda weights: {("x",): weights[:, 0] / 10},
        2,
    )
    np.testing.assert_allclose(fine(np.array([[1.0, 1.0], [3.0, 1.0]]))[("x",)], [0.7, 0.9])


def test_cells_change_no_value_and_hardly_an_interval(
    make_eyes, make_predictions, outcomes, monkeypatch
):
    eyes, potential = make_eyes(n_patients=1000)
    predictions = make_predictions(eyes, potential, noise=0.1)
    predictions["predicted_logmar"] += 0.05
    kw = {"oracle": potential, "bootstrap": 60}
    exact = evaluate(predictions, None, outcomes, **kw)
    for room in (coarse, regression, measured):
        monkeypatch.setattr(room, "FINE_EYES", 100)
    about = evaluate(predictions, None, outcomes, **kw)
    places = [("regression", "spearman"), ("oracle", "spearman"), ("regression", "median_ae")]
    places += [("recovery", o.name, f) for o in outcomes for f in ("auroc", "auprc", "f1", "brier")]
    places += [("calibration", o.name, f) for o in outcomes for f in ("slope", "intercept")]
    for place in places:
        one, other = exact, about
        for key in place:
            one, other = one[key], other[key]
        assert other["value"] == pytest.approx(one["value"], abs=1e-9), place
        low, high = one["ci95"]
        assert other["ci95"] == pytest.approx([low, high], abs=0.03 * (high - low)), place
