"""A run folder: what lies in it, that it repeats, and that no eye is predicted by who saw it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ctt_net.baselines.clinical import Baselines
from ctt_net.cli import main
from ctt_net.cohort import read_cohort
from ctt_net.data.covariates import covariate_values
from ctt_net.data.scans import load_scans
from ctt_net.errors import InputError
from ctt_net.launch import Failure, Place
from ctt_net.model_folder.predictor import Predictor, model_folders
from ctt_net.training.config import TrainingConfig
from ctt_net.training.run import train
from ctt_net.training.run_folder import check_same_run

pytestmark = pytest.mark.usefixtures("traced_once")


def test_a_run_holds_what_the_design_promises(small_run):
    for name in ("config.yaml", "predictions.csv", "metrics.json", "report.html"):
        assert (small_run / name).stat().st_size > 0
    for fold in (1, 2):
        names = {path.name for path in (small_run / f"fold_{fold}/model").iterdir()}
        assert names == {
            "model.yaml", "model.safetensors", "model.onnx", "calibration.json",
            "provenance.json", "baselines.json", "abstention.json",
            "reference_embeddings.safetensors", "similar_eyes.json",
        }  # fmt: skip
        assert (small_run / f"fold_{fold}/metrics.csv").exists()
    assert not (small_run / "fold_3").exists()


def test_out_of_fold_predictions_come_from_a_model_that_never_saw_the_patient(
    small_run, small_cohort
):
    predictions = pd.read_csv(small_run / "predictions.csv", dtype={"patient_id": str})
    folds = read_cohort(small_cohort).folds()
    assert set(predictions["eye_id"]) == set(folds.index[folds.isin([1, 2])])
    for fold, rows in predictions.groupby("fold"):
        (member,) = Predictor.load(small_run / f"fold_{fold}/model").members
        assert not any(member.provenance.knows_patient(p) for p in rows["patient_id"])
        assert member.provenance.fold == fold
    other = predictions.loc[predictions["fold"] == 2, "patient_id"]
    (first,) = Predictor.load(small_run / "fold_1/model").members
    assert all(first.provenance.knows_patient(patient) for patient in other)


def test_reported_predictions_are_those_of_the_shipped_model(small_run, small_cohort):
    cohort = read_cohort(small_cohort)
    predictor = Predictor.load(small_run / "fold_2/model")
    scans = load_scans(cohort, predictor.spec.preprocessing)
    predictions = pd.read_csv(small_run / "predictions.csv").query("fold == 2")
    position = cohort.table.set_index("eye_id").index.get_indexer(predictions["eye_id"])
    covariates = covariate_values(cohort.table.iloc[position], predictor.spec.covariates)
    preop = predictions["preop_logmar"].to_numpy()
    estimate = predictor.predict(scans.pixels[position], scans.present[position], preop, covariates)
    np.testing.assert_allclose(predictions["predicted_logmar"], estimate.postop_logmar, atol=1e-6)
    np.testing.assert_allclose(predictions["scale_logmar"], estimate.scale_logmar, atol=1e-6)


def test_baselines_beside_the_model_know_only_the_other_folds(small_run, small_cohort):
    cohort = read_cohort(small_cohort)
    fold = cohort.table["eye_id"].map(cohort.folds())
    truth = cohort.table["postop_logmar"]
    errors = [np.abs(truth[fold == k] - truth[fold != k].mean()).to_numpy() for k in (1, 2)]
    metrics = json.loads((small_run / "metrics.json").read_text())
    expected = np.concatenate(errors).mean()
    assert metrics["baselines"]["mean"]["mae"]["value"] == pytest.approx(expected, abs=1e-9)
    assert metrics["n_eyes"] == int(fold.isin([1, 2]).sum())
    assert "oracle" in metrics
    fitted = Baselines.fit(cohort.table[fold != 1], cohort.spec)
    saved = json.loads((small_run / "fold_1/model/baselines.json").read_text())
    assert saved["mean_logmar"] == pytest.approx(fitted.mean_logmar)


def test_the_resolved_config_and_versions_land_in_the_run(small_run):
    config = yaml.safe_load((small_run / "config.yaml").read_text())
    assert config["seed_everything"] == 0
    assert config["model"]["fusion"]["class_path"].endswith("CrossTokenFusion")
    provenance = json.loads((small_run / "fold_1/model/provenance.json").read_text())
    assert {"python", "torch", "timm", "numpy"} <= set(provenance["versions"])
    assert "Research use only" in provenance["intended_use"]


def test_no_patient_id_and_no_path_stands_in_a_model_folder(small_run, small_cohort):
    ids = read_cohort(small_cohort).table["patient_id"].unique()
    for folder in model_folders(small_run):
        content = b"".join(path.read_bytes() for path in folder.iterdir())
        assert not any(patient.encode() in content for patient in ids)
        assert str(small_cohort).encode() not in content


@pytest.mark.slow
def test_same_seed_same_numbers_whatever_the_workers(
    small_run, small_cohort, tiny_network, tmp_path
):
    keys = ["--data.cohort", str(small_cohort), "--folds", "1", "--out", str(tmp_path / "again")]
    again = train([*tiny_network, *keys, "--data.num_workers", "2"]).folder
    first = pd.read_csv(small_run / "predictions.csv", keep_default_na=False).query("fold == 1")
    second = pd.read_csv(again / "predictions.csv", keep_default_na=False)
    # Intervals and probabilities are calibrated on other folds; the second run has none.
    calibrated = [name for name in first if name.startswith(("lower_", "upper_", "p_"))]
    assert len(calibrated) >= 4
    pd.testing.assert_frame_equal(
        first.drop(columns=calibrated), second.drop(columns=calibrated), check_exact=True
    )


def test_a_run_folder_is_never_overwritten(small_run, small_cohort, tiny_network):
    keys = ["--data.cohort", str(small_cohort), "--out", str(small_run)]
    with pytest.raises(InputError, match="holds a run already"):
        train([*tiny_network, *keys])


def test_folds_as_jobs_leave_what_they_leave_in_one_process(
    small_run, small_cohort, tiny_network, tmp_path, monkeypatch, capsys
):
    """The finished fold stays, the missing one is trained by a command of its own, one fails."""
    run = tmp_path / "small"
    shutil.copytree(small_run, run)
    shutil.rmtree(run / "fold_2")
    kept = (run / "fold_1/model/model.safetensors").stat().st_mtime_ns

    def in_this_process(jobs, place):
        assert place == Place("local", 2)
        waiting = [job for job in jobs if not job.finished()]
        assert [job.fold for job in waiting] == [2, 3]
        for job in waiting[:1]:
            assert main(job.command.arguments[2:]) == 0
        return [Failure("fold 3", 2, "no room", Path("fold_3/output.log"))]

    monkeypatch.setattr("ctt_net.training.run.run_jobs", in_this_process)
    keys = ["--data.cohort", str(small_cohort), "--folds", "[1,2,3]", "--out", str(run)]
    keys += ["--resume", "true", "--launcher", "local", "--jobs", "2"]
    assert main(["train", *tiny_network, *keys]) == 2
    assert "failed: fold 3: fold_3/output.log" in capsys.readouterr().err
    assert (run / "fold_1/model/model.safetensors").stat().st_mtime_ns == kept
    for name in ("predictions.csv", "fold_2/model/model.safetensors", "fold_2/metrics.csv"):
        assert (run / name).read_bytes() == (small_run / name).read_bytes(), name
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["folds"] == [1, 2, 3]
    assert config.get("launcher") is None
    assert "fold 2: training" in (run / "fold_2/train.log").read_text()
    assert not (run / "fold_3").exists()


def test_jobs_without_a_launcher_are_refused(small_cohort, tiny_network, tmp_path):
    keys = ["--data.cohort", str(small_cohort), "--out", str(tmp_path / "run"), "--jobs", "2"]
    with pytest.raises(InputError, match="jobs, launcher_options: give a launcher"):
        train([*tiny_network, *keys])


def test_a_fold_that_does_not_exist_is_named(small_cohort, tiny_network, tmp_path):
    keys = ["--data.cohort", str(small_cohort), "--folds", "9", "--out", str(tmp_path / "run")]
    with pytest.raises(InputError, match="folds 9"):
        train([*tiny_network, *keys])


@pytest.mark.slow
def test_a_wandb_run_is_logged_offline_through_the_config(
    small_cohort, tiny_network, tmp_path, repository
):
    pytest.importorskip("wandb")
    run = tmp_path / "tracked"
    keys = ["--config", str(repository / "configs/tracking/wandb.yaml")]
    keys += ["--data.cohort", str(small_cohort), "--folds", "1", "--out", str(run)]
    train([*tiny_network, *keys, "--trainer.max_epochs", "1"])
    (record,) = run.glob("fold_1/wandb/offline-run-*/run-*.wandb")
    assert record.stat().st_size > 1000
    assert (run / "fold_1/metrics.csv").exists()


def test_a_failed_start_leaves_nothing_in_the_way(small_cohort, tiny_network, tmp_path):
    run = tmp_path / "run"
    keys = ["--data.cohort", str(small_cohort), "--folds", "99", "--out", str(run)]
    with pytest.raises(InputError):
        train([*tiny_network, *keys])
    assert not run.exists()


def test_jobs_that_failed_before_an_epoch_leave_nothing_in_the_way(
    small_cohort, tiny_network, tmp_path
):
    run = tmp_path / "run"
    for name in (
        "config.yaml",
        "fold_1/output.log",
        "slurm/17_0_log.err",
        "fold_1/slurm/9_log.err",
    ):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("{}")
    keys = ["--data.cohort", str(small_cohort), "--folds", "1", "--out", str(run)]
    check_same_run(run, TrainingConfig([*tiny_network, *keys]))
    (run / "fold_1/metrics.json").touch()
    with pytest.raises(InputError, match="holds a run already"):
        check_same_run(run, TrainingConfig([*tiny_network, *keys]))


def test_resume_refuses_another_configuration(small_run, small_cohort, tiny_network):
    keys = ["--data.cohort", str(small_cohort), "--out", str(small_run), "--resume", "true"]
    with pytest.raises(InputError, match="seed_everything"):
        train([*tiny_network, *keys, "--seed_everything", "7"])


def test_folds_dealt_anew_are_not_reported_as_unseen(
    small_run, small_cohort, tiny_network, tmp_path
):
    run = shutil.copytree(small_run, tmp_path / "run")
    cohort = shutil.copytree(small_cohort, tmp_path / "cohort")
    shutil.rmtree(run / "fold_2")
    folds = pd.read_csv(cohort / "folds.csv")
    folds["fold"] = folds["fold"] % 5 + 1
    folds.to_csv(cohort / "folds.csv", index=False)
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace(str(small_cohort), str(cohort)))
    keys = ["--data.cohort", str(cohort), "--folds", "1", "--out", str(run), "--resume", "true"]
    with pytest.raises(InputError, match="folds have changed"):
        train([*tiny_network, *keys])


def test_a_training_of_no_epoch_is_no_model(small_cohort, tiny_network, tmp_path):
    keys = ["--data.cohort", str(small_cohort), "--out", str(tmp_path / "run"), "--folds", "1"]
    with pytest.raises(InputError, match="max_epochs: without an epoch nothing is learned"):
        train([*tiny_network, *keys, "--trainer.max_epochs", "0"])
