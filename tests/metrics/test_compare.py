"""Many predictors on the same eyes: against the one-model evaluation, and paired in any order."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ctt_net.errors import InputError
from ctt_net.metrics.compare import compare_predictors
from ctt_net.metrics.summary import evaluate


@pytest.fixture
def tables(eyes, potential, make_predictions):
    """A good and a poor predictor, two seeds each, with folds of whole patients."""
    fold = eyes["patient_id"].str[1:].astype(int) % 5 + 1
    return {
        name: {
            f"seed {seed}": make_predictions(eyes, potential, noise, seed).assign(fold=fold)
            for seed in (1, 2)
        }
        for name, noise in (("good", 0.05), ("poor", 0.15))
    }


def test_one_repeat_says_what_the_evaluation_of_that_model_says(tables, outcomes):
    one = {name: {"seed 1": each["seed 1"]} for name, each in tables.items()}
    found = compare_predictors(one, {"good": "poor"}, outcomes[0], bootstrap=300)
    truth = evaluate(one["good"]["seed 1"], None, outcomes, bootstrap=300)
    others = one["poor"]["seed 1"].set_index("eye_id")[["predicted_logmar"]]
    beside = evaluate(
        one["good"]["seed 1"], others.set_axis(["poor"], axis=1), outcomes, bootstrap=300
    )
    expected = {
        **{name: truth["regression"][name] for name in ("mae", "rmse")},
        "coverage": truth["interval"]["coverage"],
        "width": truth["interval"]["mean_width"],
        "auroc": truth["recovery"][outcomes[0].name]["auroc"],
        "mae_difference": beside["versus"]["poor"]["mae_difference"],
    }
    for name, figure in expected.items():  # sums are taken in another order
        assert found["good"][name]["value"] == pytest.approx(figure["value"], abs=1e-12)
        assert found["good"][name]["ci95"] == pytest.approx(figure["ci95"], abs=1e-12)
    assert "mae_difference" not in found["poor"]


def test_repeats_are_averaged_and_all_reported(tables, outcomes):
    found = compare_predictors(tables, {}, outcomes[0], bootstrap=50)["poor"]
    each = [
        np.abs(table["predicted_logmar"] - table["postop_logmar"]).mean()
        for table in tables["poor"].values()
    ]
    assert found["repeats"] == pytest.approx(each)
    assert found["mae"]["value"] == pytest.approx(np.mean(each))
    assert found["n_eyes"] == 120
    assert found["n_patients"] == 60


def test_the_order_of_rows_does_not_matter(tables, outcomes):
    shuffled = {
        name: {
            seed: table.sample(frac=1, random_state=len(name) + number)
            for number, (seed, table) in enumerate(each.items())
        }
        for name, each in tables.items()
    }
    arguments = ({"good": "poor"}, outcomes[0])
    assert compare_predictors(shuffled, *arguments, bootstrap=100) == compare_predictors(
        tables, *arguments, bootstrap=100
    )


def test_pairing_narrows_the_difference(tables, outcomes):
    twin = {
        seed: table.assign(
            predicted_logmar=table["predicted_logmar"] + 0.01,
            lower_logmar=np.nan,
            upper_logmar=np.nan,
        )
        for seed, table in tables["poor"].items()
    }
    found = compare_predictors(
        {"poor": tables["poor"], "twin": twin}, {"twin": "poor"}, outcomes[0], bootstrap=400
    )
    low, high = found["twin"]["mae_difference"]["ci95"]
    alone = np.diff(found["twin"]["mae"]["ci95"])[0]
    assert high - low < alone / 3
    assert found["twin"]["width"]["value"] is None


def test_seeds_that_deal_other_folds_may_test_other_eyes(tables, outcomes):
    halves = {
        name: {
            seed: table[table["fold"] == number + 1]
            for number, (seed, table) in enumerate(each.items())
        }
        for name, each in tables.items()
    }
    found = compare_predictors(halves, {}, outcomes[0], bootstrap=50)["good"]
    assert found["n_eyes"] == sum(len(table) for table in halves["good"].values())
    assert found["mae"]["value"] == pytest.approx(np.mean(found["repeats"]))


def test_without_a_probability_the_prediction_itself_is_the_score(tables, outcomes):
    table = tables["good"]["seed 1"].drop(columns=[f"p_{outcomes[0].name}"])
    found = compare_predictors({"good": {"seed 1": table}}, {}, outcomes[0], bootstrap=10)["good"]
    label = outcomes[0].label(table["preop_logmar"], table["postop_logmar"])
    expected = roc_auc_score(label, -table["predicted_logmar"])
    assert found["auroc"]["value"] == pytest.approx(expected)


def test_a_prediction_that_is_one_number_a_fold_tells_nobody_apart(tables, outcomes):
    table = tables["good"]["seed 1"].drop(columns=[f"p_{outcomes[0].name}"])
    other = [table.loc[table["fold"] != fold, "postop_logmar"].mean() for fold in table["fold"]]
    bounds = {"lower_logmar": np.nan, "upper_logmar": np.nan}
    table = table.assign(predicted_logmar=other, **bounds)
    found = compare_predictors({"mean": {"seed 1": table}}, {}, outcomes[0], bootstrap=10)["mean"]
    assert found["auroc"]["value"] == 0.5


def test_other_eyes_or_other_truths_are_refused(tables, outcomes):
    fewer = {seed: table.iloc[1:] for seed, table in tables["poor"].items()}
    with pytest.raises(InputError, match="not evaluated on the same eyes"):
        compare_predictors({"good": tables["good"], "poor": fewer}, {}, outcomes[0])
    moved = {
        seed: table.assign(postop_logmar=table["postop_logmar"] + 0.01)
        for seed, table in tables["poor"].items()
    }
    with pytest.raises(InputError, match="not evaluated on the same eyes"):
        compare_predictors({"good": tables["good"], "poor": moved}, {}, outcomes[0])
