"""Learning curves: what was simulated lies in the ranges, and few points promise little."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import curve_fit

from ctt_net.errors import InputError
from ctt_net.planning.learning_curve import fit_learning_curve, read_learning_curve

EYES = np.array([50, 100, 200, 400, 800, 1600.0])
TRUE_MAE = 0.06 + 0.6 * EYES**-0.5


def test_points_on_a_curve_give_it_back():
    curve = fit_learning_curve(EYES, TRUE_MAE, np.full(6, 1e-4))
    assert curve.best == pytest.approx([0.06, 0.6, 0.5], rel=0.01)
    assert curve.eyes_within(0.01).value == pytest.approx(3600, rel=0.03)
    assert curve.mae_at(3200).value == pytest.approx(0.06 + 0.6 * 3200**-0.5, abs=1e-4)


def test_the_best_curve_is_that_of_least_squares():
    mae = TRUE_MAE + np.random.default_rng(4).normal(0, 0.001, 6)
    found, _ = curve_fit(
        lambda n, a, b, c: a + b * n**-c, EYES, mae, p0=[0.05, 0.5, 0.5], sigma=np.full(6, 0.001)
    )
    curve = fit_learning_curve(EYES, mae, np.full(6, 0.001))
    assert curve.best[0] + curve.best[1] * EYES ** -curve.best[2] == pytest.approx(
        found[0] + found[1] * EYES ** -found[2], abs=2e-5
    )


def test_ranges_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held = np.zeros((60, 3))
    for draw in held:
        curve = fit_learning_curve(EYES, TRUE_MAE + rng.normal(0, 0.003, 6), np.full(6, 0.003))
        truths = (
            (curve.asymptote, 0.06),
            (curve.mae_at(3200), 0.0706066),
            (curve.eyes_within(0.01), 3600),
        )
        draw[:] = [figure.low <= truth <= figure.high for figure, truth in truths]
    # 95% wanted; 60 draws of it fall below 88% once in a hundred times.
    assert (held.mean(axis=0) >= 0.88).all()


def test_points_that_still_fall_set_no_upper_end():
    curve = fit_learning_curve(EYES[:4], TRUE_MAE[:4], np.full(4, 0.004))
    assert curve.eyes_within(0.01).high == np.inf
    assert curve.eyes_within(0.01).to_dict()["ci95"][1] is None
    assert curve.asymptote.low == 0


def test_points_that_scatter_beyond_their_errors_widen_the_ranges():
    crooked = TRUE_MAE + 0.004 * np.array([1, -1, 1, -1, 1, -1])
    believed = fit_learning_curve(EYES, TRUE_MAE, np.full(6, 0.001)).mae_at(3200)
    curve = fit_learning_curve(EYES, crooked, np.full(6, 0.001))
    assert curve.scatter > 2
    assert curve.mae_at(3200).high - curve.mae_at(3200).low > 2 * (believed.high - believed.low)


@pytest.mark.parametrize(
    ("eyes", "mae", "se"),
    [
        ([100, 200], [0.1, 0.09], [0.01, 0.01]),
        ([100, 100, 100], [0.1, 0.09, 0.1], [0.01] * 3),
        ([100, 200, 300, 400], [0.1, 0.09, 0.08, 0.08], None),
        ([100, 200, 0], [0.1, 0.09, 0.08], [0.01] * 3),
        ([100, 200, 300], [0.1, 0.09, 0.0], [0.01] * 3),
        ([100, 200, 300], [0.1, 0.09, 0.08], [0.01, 0.01, 0.0]),
    ],
)
def test_points_that_make_no_curve_are_refused(eyes, mae, se):
    with pytest.raises(InputError):
        fit_learning_curve(np.array(eyes), np.array(mae), se)


@pytest.fixture
def table(tmp_path):
    """A comparison of two rows on two sets of eyes, an oracle among them."""
    lines = [
        {"evaluated": where, "row": f"{row}@{n:.0f}" if n < 1600 else row, "training_eyes": n,
         "mae": mae * factor, "mae_lo": mae * factor - 0.00196, "mae_hi": mae * factor + 0.00196}
        for where, factor in (("out of fold: each eye", 1.0), ("held out: ensemble", 0.5))
        for row in ("net", "ridge")
        for n, mae in zip(EYES, TRUE_MAE + 0.1 * (row == "ridge"), strict=True)
    ]  # fmt: skip
    lines.append({"evaluated": "out of fold: each eye", "row": "oracle", "mae": 0.04})
    path = tmp_path / "comparison.csv"
    pd.DataFrame(lines).to_csv(path, index=False)
    return path


def test_one_row_of_a_comparison_is_read(table):
    curve = read_learning_curve(table, "net")
    assert list(curve.mae) == pytest.approx(list(TRUE_MAE))
    assert curve.se == pytest.approx(np.full(6, 0.001), rel=1e-3)
    assert read_learning_curve(table, "ridge", "held out").mae[0] == pytest.approx(
        (TRUE_MAE[0] + 0.1) / 2
    )


def test_a_table_that_leaves_open_what_is_meant_is_refused(table, tmp_path):
    with pytest.raises(InputError, match="net, ridge; say which with --row"):
        read_learning_curve(table)
    with pytest.raises(InputError, match="no row 'nett'; there are net, ridge"):
        read_learning_curve(table, "nett")
    (tmp_path / "other.csv").write_text("n,mae\n1,2\n")
    with pytest.raises(InputError, match="'training_eyes' is missing"):
        read_learning_curve(tmp_path / "other.csv")
    (tmp_path / "text.csv").write_text("training_eyes,mae\n100,0.1\nmany,0.2\n")
    with pytest.raises(InputError, match="row 3, column training_eyes: 'many' is no number"):
        read_learning_curve(tmp_path / "text.csv")
    with pytest.raises(InputError, match="no such file"):
        read_learning_curve(tmp_path / "nowhere.csv")
