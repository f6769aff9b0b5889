import copy
import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from ctt_net.baselines.clinical import cross_fit_baselines
from ctt_net.errors import InputError
from ctt_net.metrics.summary import evaluate, read_metrics, write_metrics
from ctt_net.outcome import Outcome


@pytest.fixture(scope="module")
def once():
    """The same table has the same baselines and the same metrics; each is made once."""
    known = {}

    def make(name, function):
        if name not in known:
            known[name] = function()
        return copy.deepcopy(known[name])

    return make


@pytest.fixture
def baselines(eyes, spec, once):
    fold = eyes.groupby("patient_id").ngroup() % 5
    return once("baselines", lambda: cross_fit_baselines(eyes, spec, fold).set_axis(eyes["eye_id"]))


@pytest.fixture
def metrics(predictions, baselines, outcomes, potential, once):
    return once(
        "metrics",
        lambda: evaluate(predictions, baselines, outcomes, oracle=potential, bootstrap=300),
    )


def test_the_structure_is_the_promised_one(metrics):
    regression = {
        *("mae", "rmse", "median_ae", "bias", "within_0.1", "within_0.2", "within_0.3"),
        *("r2", "ccc", "icc", "spearman", "calibration_slope", "calibration_intercept", "loa"),
    }
    baselines = {"mean", "median", "preop_only", "covariates", "boosting", "svm"}
    outcomes = {"reaches_0.30", "gains_0.20"}
    assert set(metrics) == {
        *("n_eyes", "n_patients", "n_missing_truth", "n_missing_prediction", "n_off_chart"),
        *("settings", "regression"),
        *("regression_on_chart", "calibration", "baselines", "versus", "oracle", "recovery"),
        *("decision", "subgroups", "interval", "selective", "worst_third"),
    }
    assert set(metrics["regression"]) == regression == set(metrics["regression_on_chart"])
    assert set(metrics["regression"]["loa"]) == {"lower", "upper", "slope"}
    assert set(metrics["baselines"]) == baselines
    assert set(metrics["baselines"]["mean"]) == regression | {"recovery"}
    assert set(metrics["oracle"]) == regression | {"mae_difference"}
    assert set(metrics["versus"]) == baselines | {"strongest"}
    assert set(metrics["versus"]["mean"]) == {"mae_difference", "auroc_difference"}
    assert set(metrics["versus"]["strongest"]) == {"baseline", "mae_difference"}
    assert set(metrics["recovery"]) == outcomes
    assert set(metrics["calibration"]) == outcomes | {"acuity"}
    for part in metrics["calibration"].values():
        assert set(part) == {"slope", "intercept", "bins"}
        assert all(set(one) == {"n_eyes", "predicted", "observed"} for one in part["bins"])
        assert sum(one["n_eyes"] for one in part["bins"]) == 120
    assert {"nominal", "coverage", "mean_width", "by_band"} == set(metrics["interval"])
    assert metrics["n_eyes"] == 120
    assert metrics["n_patients"] == 60
    low, high = metrics["regression"]["mae"]["ci95"]
    assert low < metrics["regression"]["mae"]["value"] < high


def test_the_decision_curve_names_its_action_and_who_is_left_out(
    metrics, predictions, baselines, outcomes, eyes
):
    decision = metrics["decision"]
    assert "refer to a retina specialist" in decision["action"]
    assert decision["outcome"] == "reaches_0.30"
    assert decision["n_events"] == (predictions["postop_logmar"] > 0.305).sum()
    own = {"threshold", "model", "treat_all", "treat_none", "model_gain"}
    assert [set(point) for point in decision["curve"]] == [own] * 10
    assert set(decision["left_out"]) == set(baselines)
    fold = eyes.groupby("patient_id").ngroup() % 5
    folded = evaluate(predictions.assign(fold=fold), baselines, outcomes, bootstrap=20)["decision"]
    assert folded["left_out"] == {}
    assert set(folded["curve"][0]) == own | set(baselines)
    without = evaluate(predictions, baselines, outcomes[1:], bootstrap=20)
    assert without["decision"] == {}


def test_the_mean_has_no_slope_and_no_rank_out_of_fold(metrics):
    """It differs between folds only, always away from the fold it is tested on."""
    for name in ("calibration_slope", "calibration_intercept", "spearman"):
        assert metrics["baselines"]["mean"][name]["value"] is None
        assert metrics["baselines"]["preop_only"][name]["value"] is not None


def test_differences_are_model_minus_baseline_on_the_same_eyes(metrics, predictions, baselines):
    truth = predictions["postop_logmar"].to_numpy()
    model = np.abs(predictions["predicted_logmar"].to_numpy() - truth)
    for name in baselines:
        other = np.abs(baselines[name].to_numpy() - truth)
        figure = metrics["versus"][name]["mae_difference"]
        assert figure["value"] == pytest.approx((model - other).mean())
    label = (truth <= 0.305).astype(int)
    area = roc_auc_score(label, predictions["p_recovery"])
    preop = roc_auc_score(label, -baselines["preop_only"].to_numpy())
    difference = metrics["versus"]["preop_only"]["auroc_difference"]["reaches_0.30"]
    assert difference["value"] == pytest.approx(area - preop)


def test_the_interval_of_a_difference_is_paired(eyes, predictions, outcomes):
    """A baseline that errs as the model does, and 0.01 more: the difference has no spread."""
    error = predictions["predicted_logmar"] - predictions["postop_logmar"]
    worse = predictions["predicted_logmar"] + 0.01 * np.sign(error)
    beside = pd.DataFrame({"twin": worse.to_numpy()}, index=eyes["eye_id"])
    metrics = evaluate(predictions, beside, outcomes, bootstrap=300)
    assert metrics["versus"]["twin"]["mae_difference"]["ci95"] == pytest.approx([-0.01, -0.01])
    low, high = metrics["regression"]["mae"]["ci95"]
    assert high - low > 0.005


def test_rows_in_another_order_change_nothing(predictions, baselines, outcomes, potential, metrics):
    rng = np.random.default_rng(0)
    for _ in range(3):
        order = rng.permutation(len(predictions))
        again = evaluate(
            predictions.iloc[order],
            baselines.iloc[rng.permutation(len(baselines))],
            outcomes,
            oracle=potential.iloc[::-1],
            bootstrap=300,
        )
        assert again == metrics


def test_another_seed_moves_intervals_but_no_value(predictions, baselines, outcomes, metrics):
    again = evaluate(predictions, baselines, outcomes, bootstrap=300, seed=1)
    mae, other = metrics["regression"]["mae"], again["regression"]["mae"]
    assert mae["value"] == other["value"]
    assert mae["ci95"] != other["ci95"]


def test_eyes_without_truth_are_left_out_and_counted(predictions, baselines, outcomes):
    holes = predictions.copy()
    holes.loc[:9, "postop_logmar"] = np.nan
    metrics = evaluate(holes, baselines, outcomes, bootstrap=50)
    alone = evaluate(predictions.iloc[10:], baselines, outcomes, bootstrap=50)
    assert metrics["n_eyes"] == 110
    assert metrics["n_missing_truth"] == 10
    assert metrics["regression"] == alone["regression"]
    assert (metrics["n_missing_prediction"], alone["n_missing_prediction"]) == (0, 10)
    with pytest.raises(InputError, match="no eye has a postop_logmar"):
        evaluate(predictions.assign(postop_logmar=np.nan), None, outcomes)


def test_a_missing_prediction_is_refused(predictions, outcomes):
    predictions.loc[4, "predicted_logmar"] = np.nan
    with pytest.raises(InputError, match=r"row 6.*predicted_logmar"):
        evaluate(predictions, None, outcomes)


def test_a_baseline_that_lacks_an_eye_is_refused_by_name(predictions, baselines, outcomes):
    with pytest.raises(InputError, match="'e0007'"):
        evaluate(predictions, baselines.drop("e0007"), outcomes)
    with pytest.raises(InputError, match="index it by eye_id"):
        evaluate(predictions, baselines.reset_index(drop=True), outcomes)


def test_the_mean_knows_nothing_of_an_eye_although_it_differs_between_folds(metrics):
    mean = metrics["baselines"]["mean"]["recovery"]["reaches_0.30"]["auroc"]
    assert mean == {"value": 0.5, "ci95": [0.5, 0.5]}


def test_off_chart_eyes_are_also_left_out_beside(predictions, outcomes):
    predictions.loc[:1, "flags"] = ["low_quality;off_chart_preop", "off_chart_postop"]
    predictions.loc[2, "flags"] = "not_off_chart_preop"
    predictions.loc[:1, "postop_logmar"] = 2.3
    metrics = evaluate(predictions, None, outcomes, bootstrap=50)
    alone = evaluate(predictions.iloc[2:], None, outcomes, bootstrap=50)
    assert metrics["n_off_chart"] == {"preop": 1, "postop": 1}
    on_chart = metrics["regression_on_chart"]["mae"]["value"]
    assert on_chart == pytest.approx(alone["regression"]["mae"]["value"])
    assert on_chart < metrics["regression"]["mae"]["value"]


def test_one_class_gives_none(predictions, outcomes):
    hard = (*outcomes, Outcome("reaches_-0.30", "reach", -0.3))
    predictions["postop_logmar"] = predictions["postop_logmar"].clip(lower=0)
    predictions["p_reaches_-0.30"] = 0.1
    metrics = evaluate(predictions, None, hard, bootstrap=50)
    assert metrics["recovery"]["reaches_-0.30"]["auroc"]["value"] is None
    assert metrics["recovery"]["reaches_-0.30"]["n_recovered"] == 0


def test_a_model_without_intervals_or_probabilities_is_measured_on_the_rest(predictions, outcomes):
    bare = predictions.drop(columns=["p_reaches_0.30", "p_gains_0.20"])
    bare[["lower_logmar", "upper_logmar", "p_recovery"]] = np.nan
    metrics = evaluate(bare, None, outcomes, bootstrap=50)
    assert metrics["interval"]["coverage"]["value"] is None
    assert metrics["recovery"]["reaches_0.30"]["brier"]["value"] is None
    assert metrics["regression"]["mae"]["value"] > 0
    assert metrics["baselines"] == metrics["versus"] == {}


def test_p_recovery_answers_for_the_first_outcome_only(predictions, outcomes):
    bare = predictions.drop(columns=["p_reaches_0.30", "p_gains_0.20"])
    metrics = evaluate(bare, None, outcomes, bootstrap=50)
    full = evaluate(predictions, None, outcomes, bootstrap=50)
    assert metrics["recovery"]["reaches_0.30"] == full["recovery"]["reaches_0.30"]
    assert metrics["recovery"]["gains_0.20"]["auroc"]["value"] is None


def test_metrics_are_plain_json(metrics, tmp_path):
    write_metrics(metrics, tmp_path / "metrics.json")
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics


def test_keys_of_version_0_1_are_read_by_their_present_names(metrics, tmp_path):
    text = json.dumps(metrics).replace("_reported", "_answered")
    assert text.count("_answered") == 2
    (tmp_path / "metrics.json").write_text(text)
    assert read_metrics(tmp_path) == metrics


def test_a_single_eye_can_be_evaluated(predictions, baselines, outcomes):
    metrics = evaluate(predictions.iloc[:1], baselines, outcomes, bootstrap=20)
    assert metrics["regression"]["r2"]["value"] is None


@pytest.mark.slow
def test_the_cost_of_a_thousand_eyes(make_eyes, make_predictions, spec, outcomes):
    # In sorts of all resamples, since processors differ: 90 to 170 measured.
    eyes, potential = make_eyes(n_patients=500)
    predictions = make_predictions(eyes, potential)
    baselines = cross_fit_baselines(eyes, spec, eyes.groupby("patient_id").ngroup() % 2)
    resamples = np.random.default_rng(0).random((2000, 1000))
    start = time.process_time()
    for _ in range(10):
        np.sort(resamples, axis=1)
    sort = (time.process_time() - start) / 10
    start = time.process_time()
    evaluate(predictions, baselines.set_axis(eyes["eye_id"]), outcomes, oracle=potential)
    assert time.process_time() - start < 600 * sort


@pytest.mark.slow
def test_measuring_needs_no_torch():
    code = "import sys, ctt_net.report.results; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_identifiers_that_are_numbers_match_their_text(predictions, baselines, outcomes, metrics):
    numbered = baselines.set_axis(range(len(baselines)))
    table = predictions.assign(eye_id=range(len(predictions)))
    again = evaluate(table, numbered, outcomes, bootstrap=50)
    expected = metrics["versus"]["mean"]["mae_difference"]["value"]
    assert again["versus"]["mean"]["mae_difference"]["value"] == pytest.approx(expected)
    assert again["n_missing_prediction"] == 0


def test_an_eye_twice_in_a_baseline_and_a_reserved_name_are_refused(
    predictions, baselines, outcomes
):
    with pytest.raises(InputError, match=r"'e0000' stands there twice"):
        evaluate(predictions, pd.concat([baselines, baselines.iloc[:1]]), outcomes)
    for name in ("oracle", "strongest"):
        with pytest.raises(ValueError, match=f"may not be called '{name}'"):
            evaluate(predictions, baselines.rename(columns={"mean": name}), outcomes)
