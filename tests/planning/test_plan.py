"""`ctt-net plan`: from guesses, and from what a run measured."""

import json

import numpy as np
import pandas as pd
import pytest

from ctt_net import INTENDED_USE
from ctt_net.cli import main
from ctt_net.cohort.predictions import write_predictions
from ctt_net.metrics.summary import write_metrics
from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.planning.assumptions import Assumptions, from_run, guessed
from ctt_net.planning.plan import make_plan
from tests.simulated_tables import evaluate_with_warnings as evaluate


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What an evaluation of 300 patients with two eyes each leaves behind."""
    rng = np.random.default_rng(3)
    patient = np.repeat(np.arange(300), 2)
    truth = np.clip(rng.gamma(1.5, 0.15, 600), 0, 1.5)
    error = 0.1 * (rng.normal(size=300)[patient] + rng.normal(size=600))
    predicted = truth + error
    p = 1 / (1 + np.exp(12 * (predicted - 0.3)))
    table = pd.DataFrame(
        {
            "eye_id": [f"e{i:03d}" for i in range(600)],
            "patient_id": [f"p{i:03d}" for i in patient],
            "preop_logmar": truth + 0.3,
            "postop_logmar": truth,
            "predicted_logmar": predicted,
            "lower_logmar": predicted - 0.22,
            "upper_logmar": predicted + 0.22,
            "p_recovery": p,
            "flags": "",
        }
    )
    baselines = pd.DataFrame({"mean": np.full(600, truth.mean())}, index=table["eye_id"])
    out = tmp_path_factory.mktemp("planned") / "run"
    write_predictions(table, out / "predictions.csv")
    metrics = evaluate(table, baselines, DEFAULT_OUTCOMES[:1], bootstrap=400)
    write_metrics(metrics, out / "metrics.json")
    return out


def test_a_plan_for_the_runs_own_eyes_has_the_runs_own_intervals(run):
    metrics = json.loads((run / "metrics.json").read_text())
    assumed = from_run(run)
    assert assumed.eyes_per_patient == 2
    assert assumed.r2 == pytest.approx(metrics["regression"]["r2"]["value"], abs=1e-9)
    plan = make_plan(assumed, eyes=[600])
    found = {line.name: line.half_widths[0] for line in plan.lines}
    measured = {
        "MAE": metrics["regression"]["mae"],
        "bias": metrics["regression"]["bias"],
        "coverage": metrics["interval"]["coverage"],
        "MAE difference, paired": metrics["versus"]["strongest"]["mae_difference"],
        "AUROC": metrics["recovery"][DEFAULT_OUTCOMES[0].name]["auroc"],
    }
    assert found.keys() == measured.keys()
    for name, figure in measured.items():
        low, high = figure["ci95"]
        assert found[name] == pytest.approx((high - low) / 2, rel=0.15), name
    # Errors of fellow eyes were made to share half their variance.
    alike = {line.name: line.correlation for line in plan.lines}
    assert alike["bias"] == pytest.approx(0.5, abs=0.1)
    assert 0 < alike["MAE"] < alike["bias"]


def test_two_eyes_of_unknown_likeness_count_as_one():
    one_eye = make_plan(Assumptions(guessed()))
    two = make_plan(Assumptions(guessed(), eyes_per_patient=2.0))
    for one, both in zip(one_eye.lines, two.lines, strict=True):
        assert abs(both.eyes_needed - 2 * one.eyes_needed) <= 1
    assert any("counted as one" in note for note in two.notes())
    assert not any("counted as one" in note for note in one_eye.notes())
    known = make_plan(Assumptions(guessed(), eyes_per_patient=2.0).with_correlation(0.5))
    assert known.lines[0].eyes_needed == pytest.approx(1.5 * one_eye.lines[0].eyes_needed, abs=1)


def test_the_command_prints_and_writes_all_parts(run, tmp_path, capsys, drawn):
    points = tmp_path / "curve.csv"
    points.write_text(
        "training_eyes,mae,mae_lo,mae_hi\n"
        "100,0.140,0.134,0.146\n200,0.112,0.106,0.118\n400,0.095,0.089,0.101\n800,0.082,0.077,0.087\n"
    )
    out = tmp_path / "plan"
    told = ["--from", str(run), "--parameters", "6", "--curve", str(points), "--out", str(out)]
    assert main(["plan", *told, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan == json.loads((out / "plan.json").read_text())
    assert plan["intended_use"] == INTENDED_USE
    assert plan["development"]["residual_sd"] == 240
    assert plan["learning_curve"]["asymptote"]["value"] < 0.082
    page = (out / "plan.html").read_text()
    assert INTENDED_USE in page
    assert "<svg" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert (out / "learning_curve.png").read_bytes().startswith(b"\x89PNG")

    assert main(["plan", "--eyes", "410"]) == 0
    said = capsys.readouterr().out
    assert "±0.013" in said
    assert "163 for ±0.020" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "nowhere"], "metrics.json: no such file"),
        (["--from", "nowhere", "--coverage", "0.9"], "--coverage and --from"),
        (["--auroc", "0.8"], "share of eyes that recover"),
        (["--parameters", "5"], "expected --r2 above 0"),
        (["--eyes", "1"], "--eyes 1: must lie in 2.."),
        (["--eyes-per-patient", "3"], "must lie in 1..2"),
        (["--icc", "7"], "must lie in 0..1"),
        (["--half-width", "0"], "--half-width 0: must lie in"),
        (["--half-width-share", "2"], "--half-width-share 2: must lie in"),
        (["--within", "nan"], "--within nan: must lie in"),
        (["--within", "-1"], "--within -1: must lie in"),
        (["--sd-error", "1e300"], "--sd-error 1e+300: must lie in"),
        (["--r2", "1e-9", "--sd-outcome", "0.3"], "--r2 1e-09: must lie in"),
        (["--parameters", "-2", "--r2", "0.3", "--sd-outcome", "0.3"], "--parameters -2: must"),
        (["--curve", "nowhere.csv"], "no such file"),
    ],
)
def test_wrong_input_is_one_message(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["plan", *arguments, "--out", "plan"]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message
    assert list(tmp_path.iterdir()) == []
