"""Outcomes that are probably wrong, against planted slips and a likelihood maximised by scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import t as student

from ctt_net.metrics.wrong_outcomes import FEWEST_EYES, outcomes_to_check


def predictions(n=300, noise=0.08, seed=0, tails=np.inf):
    """Predictions of `n` patients with one eye each, whose outcomes are all right."""
    rng = np.random.default_rng(seed)
    predicted = rng.gamma(1.5, 0.15, n)
    error = noise * (rng.normal(size=n) if np.isinf(tails) else rng.standard_t(tails, n))
    ids = np.array([f"e{i:04d}" for i in range(n)])
    return pd.DataFrame(
        {
            "eye_id": ids,
            "patient_id": ids,
            "preop_logmar": predicted + rng.uniform(0.3, 1.0, n),
            "postop_logmar": predicted + error,
            "predicted_logmar": predicted,
            "lower_logmar": predicted - 0.2,
            "upper_logmar": predicted + 0.2,
            "flags": "",
        }
    )


def found(table, notation="decimal"):
    return outcomes_to_check(table, notation).set_index("eye_id")


def test_each_slip_is_found_and_named():
    table = predictions()
    table.loc[[0, 1], "patient_id"] = "both"
    table.loc[:5, "predicted_logmar"] = [0.0, 0.6, 0.07, -0.1, 0.1, -0.2]
    table.loc[:5, "preop_logmar"] = [0.5, 0.9, 1.5, 0.5, 1.7, np.nan]
    # Exchanged, twice; 0.06 logMAR read as decimal; 0.126 for 1.26; as before surgery; anything.
    table.loc[:5, "postop_logmar"] = [0.6, 0.0, -np.log10(0.06), 0.9, 1.7, 0.6]
    known = found(table)
    chosen = known.loc[[f"e{i:04d}" for i in range(6)]]
    assert (chosen["p_wrong"] > 0.9).all()
    assert chosen["likely_slip"].tolist() == [
        *("fellow_eye", "fellow_eye", "other_notation", "factor_of_ten", "preop_again", ""),
    ]
    assert (known["p_wrong"].drop(chosen.index) < 0.5).all()


def test_a_logmar_column_has_slips_of_its_own():
    table = predictions()
    # 0.8 decimal (0.1 logMAR) written as logMAR; 0.08 written for 0.8; none for words.
    table.loc[:2, "predicted_logmar"] = [0.1, 0.8, 0.1]
    table.loc[:2, "postop_logmar"] = [0.8, 0.08, 0.8]
    table.loc[2, "flags"] = "off_chart_postop"
    assert found(table, "logmar")["likely_slip"][["e0000", "e0001", "e0002"]].tolist() == [
        *("other_notation", "factor_of_ten", ""),
    ]
    # 1.0 logMAR in a decimal column is 0.1 (logMAR) or 1.0 (decimal): nobody can tell.
    table.loc[0, ["predicted_logmar", "postop_logmar"]] = [0.05, 1.0]
    assert found(table)["likely_slip"]["e0000"] == "other_notation;factor_of_ten"
    assert found(table, "etdrs")["likely_slip"][["e0000", "e0001"]].tolist() == ["", ""]


@pytest.mark.parametrize("tails", [np.inf, 4])
def test_right_outcomes_are_left_alone(tails):
    known = found(predictions(tails=tails))
    assert (known["p_wrong"] > 0.5).sum() <= 1
    assert known["p_wrong"].sum() < 4


def test_probabilities_are_those_of_the_likeliest_mixture():
    """Without any slip that could be, share, shift and width maximise a penalised likelihood."""
    table = predictions(noise=0.1).assign(preop_logmar=np.nan)
    wrong = np.random.default_rng(1).choice(len(table), 30, replace=False)
    table.loc[wrong, "postop_logmar"] = np.random.default_rng(2).uniform(-0.3, 1.7, 30)
    error = (table["postop_logmar"] - table["predicted_logmar"]).to_numpy()

    def parts(free):
        e, shift, width = 1 / (1 + np.exp(-free[0])), free[1], np.exp(free[2])
        return (1 - e) * student.pdf((error - shift) / width, 4) / width, e / 2.0, e

    def cost(free):
        right, even, e = parts(free)
        return -np.log(right + even).sum() - 0.5 * np.log(e) - 9.5 * np.log(1 - e)

    best = minimize(cost, [-2.0, 0.0, np.log(0.1)], method="Nelder-Mead", options={"xatol": 1e-6})
    right, even, _ = parts(best.x)
    known = found(table, "etdrs")
    assert known.loc[table["eye_id"], "p_wrong"].to_numpy() == pytest.approx(
        even / (right + even), abs=2e-3
    )
    assert known["p_wrong"].sum() == pytest.approx(30, abs=6)
    assert known["p_wrong"].is_monotonic_decreasing


def test_bounds_are_left_out_and_few_eyes_say_nothing():
    table = predictions()
    table.loc[:9, "postop_logmar"] = np.nan
    assert len(found(table)) == 290
    assert outcomes_to_check(table.iloc[: FEWEST_EYES + 9], "decimal") is None
    constant = table.assign(predicted_logmar=table["postop_logmar"].fillna(0.0))
    assert (found(constant)["p_wrong"] < 0.5).all()
