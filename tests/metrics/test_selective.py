"""Selective figures against scipy, formulas written out, and simulations of known outcome."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ctt_net.metrics import selective
from ctt_net.metrics.bootstrap import bootstrap_draws
from ctt_net.metrics.eyes import evaluated_eyes
from ctt_net.metrics.selective import aurc, ccrc, ccrc_ceiling, risk_at_coverage
from ctt_net.metrics.usable_region import (
    cell_sums,
    like_confidence,
    parts_of_patients,
    prefix_bounds,
    usable_region,
)


def selective_figures(table, **options):
    return selective.selective_figures(evaluated_eyes(table, None, None, ()), **options)


def eyes(scale, rng, width=None, per_patient=1):
    """A table of predictions whose errors are normal with these scales."""
    n = len(scale)
    truth = rng.uniform(0, 1, n)
    predicted = truth + rng.normal(0, scale)
    half = (3.29 * scale if width is None else width) / 2
    return pd.DataFrame(
        {
            "eye_id": [f"e{i:04d}" for i in range(n)],
            "patient_id": [f"p{i // per_patient}" for i in range(n)],
            "preop_logmar": 0.5,
            "p_recovery": np.nan,
            "postop_logmar": truth,
            "predicted_logmar": predicted,
            "lower_logmar": predicted - half,
            "upper_logmar": predicted + half,
            "flags": "",
        }
    )


@pytest.mark.parametrize("digits", [8, 1])
def test_figures_of_weights_are_those_of_the_repeated_eyes(digits):
    rng = np.random.default_rng(digits)
    error, width = rng.random(40).round(digits), rng.random(40).round(digits)
    weights = rng.integers(0, 3, (5, 40)).astype(float)
    for figure in (ccrc, aurc):
        for found, weight in zip(figure(error, width, weights), weights.astype(int), strict=True):
            repeated = figure(np.repeat(error, weight), np.repeat(width, weight))
            assert found == pytest.approx(repeated, abs=1e-12)
    found = risk_at_coverage(error, width, [0.3, 1.0], weights)
    for row, weight in enumerate(weights.astype(int)):
        many = np.repeat(error, weight), np.repeat(width, weight)
        assert found[row] == pytest.approx(risk_at_coverage(*many, [0.3, 1.0]), abs=1e-12)


def test_ccrc_is_the_rank_correlation_and_a_constant_ranks_nothing():
    rng = np.random.default_rng(0)
    error, width = rng.random(50), rng.random(50)
    assert ccrc(error, width) == pytest.approx(stats.spearmanr(error, width).statistic)
    assert ccrc(error, np.ones(50)) == 0
    assert not ccrc_ceiling(np.ones(50), 10, seed=0).any()


def test_area_and_risk_are_the_means_over_prefixes():
    rng = np.random.default_rng(1)
    error, width = rng.random(40), rng.permutation(40)
    risk = np.cumsum(error[np.argsort(width)]) / np.arange(1, 41)
    assert aurc(error, width) == pytest.approx(risk.mean(), abs=1e-12)
    found = risk_at_coverage(error, width, [0.25, 0.5, 1.0])
    assert found == pytest.approx(risk[[9, 19, 39]], abs=1e-12)


def test_eyes_of_equal_confidence_come_in_with_their_mean():
    rng = np.random.default_rng(2)
    error = rng.random(12)
    orders = [
        np.r_[error[:4], rng.permutation(error[4:9]), error[9:]] for _ in range(20_000)
    ]  # fmt: skip
    risk = (np.cumsum(orders, axis=1) / np.arange(1, 13)).mean()
    assert aurc(error, [0, 1, 2, 3, 4, 4, 4, 4, 4, 5, 6, 7]) == pytest.approx(risk, abs=1e-3)


def test_blocks_keep_order_and_never_part_equal_values():
    values = np.random.default_rng(3).integers(0, 300, 2000).astype(float)
    block = like_confidence(values, 20)
    assert block.max() == 19
    order = np.argsort(values)
    assert (np.diff(block[order]) >= 0).all()
    assert all(len(set(block[values == value])) == 1 for value in np.unique(values))


def test_sums_over_cells_are_those_of_their_eyes():
    rng = np.random.default_rng(4)
    part, block, value = rng.integers(0, 5, 30), rng.integers(0, 4, 30), rng.random(30)
    block[0] = 3
    weights = rng.integers(0, 3, (6, 30)).astype(float)
    found = cell_sums(part, block, value, weights)
    assert found.shape == (6, 5, 4)
    for p in range(5):
        for b in range(4):
            here = (part == p) & (block == b)
            np.testing.assert_allclose(found[:, p, b], weights[:, here] @ value[here], atol=1e-12)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.1, 0.1, 0.0), (0.08, 0.16, 0.21), (0.05, 0.3, 0.44), (0.03, 0.6, 0.55)],
)
def test_the_ceiling_of_an_honest_model(low, high, expected):
    width = np.random.default_rng(5).uniform(low, high, 4000)
    if low == high:
        width = np.full(4000, low)
    assert ccrc_ceiling(width, 100, seed=0).mean() == pytest.approx(expected, abs=0.015)


def regions_of_all(confidence, hit, requirement, seed=0):
    """The paper's own estimate: the threshold chosen and judged on the same eyes, as a share."""
    block = like_confidence(-confidence, 1000)
    # In the first part all eyes, in the second none: the threshold for that is chosen on all.
    part = np.zeros(len(hit), dtype=int)

    def statistic(weights):
        values = (np.ones(len(hit)), hit.astype(float))
        return [cell_sums(part, block, one, weights)[:, :2] for one in values]

    patients = np.arange(len(hit)).astype(str)
    draws = bootstrap_draws(statistic, patients, 1000, seed)
    count, hits = map(over_the_most_confident, draws)
    bound = prefix_bounds(count, hits, high=False)[1]
    passed = np.flatnonzero(bound >= requirement)
    return count[0, 0, passed[-1]] / len(hit) if len(passed) else 0.0


def over_the_most_confident(cells):
    return np.cumsum(np.pad(cells, [(0, 0), (0, 0), (1, 0)]), axis=2)


def test_the_worked_example_of_400_eyes():
    found = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        scale = rng.uniform(0.03, 0.3, 400)
        error = np.abs(rng.normal(0, scale))
        mixed = rng.permutation(scale)
        found.append(
            [
                ccrc(error, scale),
                regions_of_all(-scale, error <= 0.2, 0.9),
                ccrc(error, mixed),
                regions_of_all(-mixed, error <= 0.2, 0.9),
            ]
        )
    mean, spread = np.mean(found, axis=0), np.std(found, axis=0)
    for published, ours, sd in zip((0.53, 0.475, -0.03, 0.0), mean, spread, strict=True):
        assert abs(published - ours) <= 2.5 * max(sd, 1e-9)
    assert max(row[3] for row in found) == 0


def test_measured_apart_the_example_gives_less_and_keeps_its_promise():
    rng = np.random.default_rng(0)
    scale = rng.uniform(0.03, 0.3, 400)
    found = selective_figures(eyes(scale, rng), seed=0)
    assert 0.3 < found["ure"]["value"] < 0.55
    assert found["ure_region"]["hit_rate"]["value"] >= 0.9
    assert 0.3 < found["ure_region"]["max_width_logmar"] / 3.29 / 0.22 < 1.0 / 0.9
    mixed = selective_figures(eyes(scale, rng, width=rng.permutation(scale)), seed=0)
    assert mixed["ure"] == {"value": 0.0, "ci95": [0.0, 0.0]}
    assert mixed["ure_region"]["max_width_logmar"] is None
    low, high = mixed["ccrc"]["ci95"]
    assert low < 0 < high


def test_a_hundred_eyes_with_one_hit_leave_nothing_usable():
    rng = np.random.default_rng(0)
    table = eyes(np.full(100, 0.1), rng, width=np.linspace(0.1, 1, 100))
    table["predicted_logmar"] = table["postop_logmar"] + np.r_[0.0, np.full(99, 0.9)]
    assert selective_figures(table)["ure"]["value"] == 0


def test_perfect_predictions_are_usable_from_thirty_eyes_on():
    rng = np.random.default_rng(0)
    for count, usable in ((25, 0.0), (60, 1.0)):
        table = eyes(np.full(count, 1e-3), rng, width=rng.uniform(0.1, 1, count))
        assert selective_figures(table)["ure"]["value"] == usable


@pytest.mark.parametrize(("scale", "usable"), [(0.05, 1.0), (0.3, 0.0)])
def test_equal_widths_are_one_block(scale, usable):
    # Ends of intervals lose digits, so equal widths differ by 1e-16 in the table.
    rng = np.random.default_rng(0)
    table = eyes(np.full(200, scale), rng, width=np.full(200, 0.37))
    found = selective_figures(table)
    assert found["ccrc"]["value"] == 0
    assert found["ccrc_ceiling"]["value"] == 0
    assert found["aurc"]["value"] == pytest.approx(found["aurc_random"]["value"])
    assert found["ure"]["value"] == usable


def test_both_eyes_of_a_patient_are_in_one_part():
    patients = np.repeat([f"p{i}" for i in range(100)], 2)
    part = parts_of_patients(patients, seed=3)
    assert (part[::2] == part[1::2]).all()
    assert set(np.bincount(part)) == {40}


def test_a_threshold_is_never_chosen_by_the_eyes_it_is_measured_on():
    rng = np.random.default_rng(0)
    count = np.ones((50, 2, 80))
    hits = np.ones((50, 2, 80))
    hits[:, 1, 40:] = rng.random(40) < 0.2  # the second part fails on the less confident eyes
    eyes_of, sums = over_the_most_confident(count), over_the_most_confident(hits)
    bounds = prefix_bounds(eyes_of, sums, high=False)
    found = usable_region(eyes_of, sums, bounds, 0.9)
    assert found.blocks[1] == 80  # chosen on the first part alone, which always hits
    assert found.blocks[0] < 60


def test_values_are_those_of_scipy_and_of_the_eyes_in_order():
    rng = np.random.default_rng(0)
    table = eyes(rng.uniform(0.03, 0.3, 300), rng, per_patient=2)
    found = selective_figures(table)
    error = np.abs(table["predicted_logmar"] - table["postop_logmar"]).to_numpy()
    width = (table["upper_logmar"] - table["lower_logmar"]).to_numpy()
    in_order = np.cumsum(error[np.argsort(width)]) / np.arange(1, 301)
    assert found["aurc"]["value"] == pytest.approx(in_order.mean(), abs=1e-9)
    assert found["ccrc"]["value"] == pytest.approx(stats.spearmanr(-width, -error).statistic)
    tau = stats.kendalltau(-width, -error).statistic
    assert found["kendall_tau_b"] == {"value": pytest.approx(tau), "ci95": [None, None]}
    assert found["aurc_oracle"]["value"] < found["aurc"]["value"] < found["aurc_random"]["value"]


def test_two_eyes_of_a_patient_widen_the_interval():
    rng = np.random.default_rng(0)
    table = eyes(rng.uniform(0.03, 0.3, 200), rng)
    double = pd.concat([table, table.assign(eye_id=table["eye_id"] + "b")])
    alone = double.assign(patient_id=double["eye_id"])

    def length(of):
        low, high = selective_figures(of)["ccrc"]["ci95"]
        return high - low

    assert length(double) > 1.2 * length(alone)


def test_the_interval_of_few_patients_is_students():
    """Of a mean: percentiles as they stand would be 15% narrower."""
    rng = np.random.default_rng(5)
    table = eyes(rng.uniform(0.05, 0.3, 12), rng)
    error = np.abs(table["predicted_logmar"] - table["postop_logmar"])
    low, high = selective_figures(table)["aurc_random"]["ci95"]
    half = stats.t.ppf(0.975, 11) * error.std(ddof=1) / np.sqrt(12)
    assert (high - low) / 2 == pytest.approx(half, rel=0.08)


def test_abstained_and_reported_eyes_are_compared():
    rng = np.random.default_rng(0)
    table = eyes(np.r_[np.full(180, 0.05), np.full(20, 0.6)], rng)
    table.loc[180:, "flags"] = "missing_view:vertical;wide_interval;abstain"
    table.loc[190:, "flags"] = "out_of_distribution;abstain"
    error = np.abs(table["predicted_logmar"] - table["postop_logmar"])
    found = selective_figures(table)["abstention"]
    assert found["n_abstained"] == 20
    assert found["rate"]["value"] == pytest.approx(0.1)
    assert found["mae_reported"]["value"] == pytest.approx(error[:180].mean())
    assert found["mae_abstained"]["value"] == pytest.approx(error[180:].mean())
    assert found["flags"]["wide_interval"] == found["flags"]["out_of_distribution"] == 10
    low, high = found["rate"]["ci95"]
    assert low < 0.1 < high


def test_nobody_abstained_and_no_interval_are_said_not_invented():
    rng = np.random.default_rng(0)
    table = eyes(np.full(40, 0.1), rng)
    assert selective_figures(table)["abstention"]["mae_abstained"] == {
        "value": None, "ci95": [None, None],
    }  # fmt: skip
    bare = table.assign(lower_logmar=np.nan, upper_logmar=np.nan)
    found = selective_figures(bare)
    assert found["n_eyes"] == 0
    assert "ccrc" not in found
    assert found["abstention"]["n_abstained"] == 0


def test_the_same_seed_gives_the_same_figures():
    rng = np.random.default_rng(0)
    table = eyes(rng.uniform(0.03, 0.3, 80), rng)
    assert selective_figures(table, seed=1) == selective_figures(table, seed=1)
    assert selective_figures(table, bootstrap=0)["ccrc"]["ci95"] == [None, None]
