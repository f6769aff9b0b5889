"""`ctt-net evaluate`: exit codes, messages and numbers."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from ctt_net.cli import main


def test_unseen_patients_are_measured(small_run, other_cohort, tmp_path, capsys):
    out = tmp_path / "held_out"
    assert main(["evaluate", str(small_run), str(other_cohort), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    for label in ("Model", "Preop VA only", "Lowest achievable error", str(out / "report.html")):
        assert label in said
    metrics = json.loads((out / "metrics.json").read_text())
    truth = pd.read_csv(other_cohort / "manifest.csv")["postop_logmar"]
    predicted = pd.read_csv(out / "predictions.csv")["predicted_logmar"]
    assert metrics["regression"]["mae"]["value"] == pytest.approx(
        np.abs(predicted - truth).mean(), abs=1e-5
    )
    assert "simulated: no clinical validity" in (out / "report.html").read_text()


def test_the_training_cohort_is_refused(small_run, small_cohort, tmp_path, fails):
    said = fails("evaluate", small_run, small_cohort, "--out", tmp_path / "out")
    assert "took part in the training" in said
    assert "row 2 s5-00000-" in said
    assert "and 50 more" in said
    assert not (tmp_path / "out").exists()


def test_the_same_scans_under_other_ids_are_refused(small_run, cohort, tmp_path, fails):
    path = cohort / "manifest.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table["patient_id"] = "new-" + table["patient_id"]
    table.to_csv(path, index=False)
    said = fails("evaluate", small_run, cohort, "--out", tmp_path / "out")
    assert "under another patient id" in said
    assert "scans of 60 of 60 eyes" in said
    assert "row 11 s5-" in said
    assert "row 12 s5-" not in said


def test_a_bare_table_of_predictions_needs_no_model(small_run, small_cohort, tmp_path, capsys):
    table = small_run / "predictions.csv"
    out = tmp_path / "table"
    assert main(["evaluate", str(table), str(small_cohort), "--out", str(out)]) == 0
    ours = json.loads((out / "metrics.json").read_text())
    run = json.loads((small_run / "metrics.json").read_text())
    assert ours["regression"] == run["regression"]
    capsys.readouterr()


@pytest.mark.parametrize("level", ["0", "1", "2", "-1", "nan", "inf", "1e-400"])
def test_a_level_that_is_no_coverage_is_refused(fails, small_run, small_cohort, tmp_path, level):
    table, out = small_run / "predictions.csv", tmp_path / "out"
    assert "no coverage" in fails(
        "evaluate", table, small_cohort, "--out", out, f"--interval-level={level}"
    )
    assert not out.exists()


def test_the_level_of_a_model_is_not_to_be_chosen(fails, small_run, other_cohort, tmp_path):
    out = tmp_path / "out"
    said = fails("evaluate", small_run, other_cohort, "--out", out, "--interval-level=0.8")
    assert "a model knows that of its own" in said
    assert not out.exists()


@pytest.mark.parametrize("direction", ["vertical", "oblique"])
def test_a_view_under_another_name_does_not_count_as_missing(
    direction, small_run, other_cohort, tmp_path, fails
):
    cohort = shutil.copytree(other_cohort, tmp_path / "cohort")
    facts = yaml.safe_load((cohort / "cohort.yaml").read_text())
    facts["views"]["radial"] = {**facts["views"].pop("vertical"), "direction": direction}
    (cohort / "cohort.yaml").write_text(yaml.safe_dump(facts))
    manifest = (cohort / "manifest.csv").read_text().replace(",vertical,", ",radial,", 1)
    (cohort / "manifest.csv").write_text(manifest)
    arguments = ["evaluate", small_run, cohort, "--out", tmp_path / "out"]
    if direction == "vertical":
        assert "view is called 'vertical', here 'radial'" in fails(*arguments)
    else:
        assert main([str(argument) for argument in arguments]) == 0


def test_a_cohort_with_one_view_is_flagged(small_run, other_cohort, tmp_path, capsys):
    cohort = shutil.copytree(other_cohort, tmp_path / "one_view")
    facts = yaml.safe_load((cohort / "cohort.yaml").read_text())
    del facts["views"]["vertical"]
    (cohort / "cohort.yaml").write_text(yaml.safe_dump(facts))
    assert main(["evaluate", str(small_run), str(cohort), "--out", str(tmp_path / "o")]) == 0
    flags = pd.read_csv(tmp_path / "o/predictions.csv")["flags"]
    assert flags.str.contains("missing_view:vertical").all()
    said = " ".join(capsys.readouterr().out.split())
    assert f"{len(flags)} of {len(flags)} eyes: a scan the model was trained with is miss" in said


def test_a_probability_is_not_scored_against_another_question(
    small_run, small_cohort, tmp_path, capsys
):
    table = pd.read_csv(small_run / "predictions.csv")
    table = table.rename(columns={"p_reaches_0.30": "p_reaches_0.50"})
    table.drop(columns="p_gains_0.20").to_csv(tmp_path / "mine.csv", index=False)
    out = tmp_path / "out"
    arguments = ["evaluate", tmp_path / "mine.csv", small_cohort, "--out", out]
    assert main([str(argument) for argument in arguments]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics.get("recovery", {}) == {}
    assert any("reaches_0.50" in warning for warning in metrics["warnings"])
    capsys.readouterr()


def test_a_run_is_not_overwritten_by_its_evaluation(small_run, other_cohort, tmp_path, fails):
    said = fails("evaluate", small_run, other_cohort, "--out", small_run)
    assert "name another --out" in said


def test_a_file_as_out_is_refused_before_any_work(small_run, other_cohort, tmp_path, fails):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file/below"):
        assert "is a file" in fails("evaluate", small_run, other_cohort, "--out", out)


def test_a_folder_without_a_model(small_cohort, tmp_path, fails):
    said = fails("evaluate", tmp_path, small_cohort, "--out", tmp_path / "out")
    assert "no model here" in said
