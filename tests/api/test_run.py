"""Training from Python is that of the command; results are tables."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import ctt_net
from ctt_net.errors import InputError
from ctt_net.training.config import TrainingConfig
from ctt_net.training.run import FinishedRun


@pytest.fixture
def resolved(monkeypatch, small_run):
    """The configuration that `ctt_net.train` would train with; nothing is trained."""
    seen = []

    def train(arguments):
        seen.append(TrainingConfig(arguments))
        return FinishedRun(small_run, None)

    monkeypatch.setattr("ctt_net.training.run.train", train)

    def of(*arguments, **settings):
        run = ctt_net.train(*arguments, **settings)
        assert run.folder == small_run
        return seen[-1].resolved(), seen[-1].out

    return of


def test_a_mapping_resolves_to_what_the_command_resolves_to(
    resolved, small_cohort, tmp_path, repository
):
    fusion = {"class_path": "CrossTokenFusion", "init_args": {"dim": 16, "depth": 1}}
    ours, out = resolved(
        ctt_net.load_cohort(small_cohort),
        ["ctt_net", "ablations/auxiliary_off", {"data": {"batch_size": 4}}],
        out=tmp_path / "run",
        folds=[1, 2],
        seed=3,
        model={
            "backbone": {"class_path": "SmallConvBackbone", "init_args": {"widths": [4, 8, 8]}},
            "fusion": fusion,
            "covariates": None,
            "learning_rate": 1e-5,
        },
        data={"preprocessing": {"height": 64, "width": 96}},
        trainer={
            "max_epochs": 2,
            "enable_progress_bar": False,
            "callbacks": [{"class_path": "EarlyStopping", "init_args": {"monitor": "x"}}],
        },
    )
    configs = repository / "configs"
    command = TrainingConfig([
        "--config", str(configs / "ctt_net.yaml"),
        "--config", str(configs / "ablations/auxiliary_off.yaml"),
        "--data.batch_size", "4", "--out", str(tmp_path / "run"), "--folds", "[1,2]",
        "--seed_everything", "3", "--model.backbone", "SmallConvBackbone",
        "--model.backbone.init_args.widths", "[4,8,8]", "--model.fusion", "CrossTokenFusion",
        "--model.fusion.init_args.dim", "16", "--model.fusion.init_args.depth", "1",
        "--model.covariates", "null", "--model.learning_rate", "1e-5",
        "--data.preprocessing.height", "64", "--data.preprocessing.width", "96",
        "--trainer.max_epochs", "2", "--trainer.enable_progress_bar", "false",
        "--trainer.callbacks", "[{class_path: EarlyStopping, init_args: {monitor: x}}]",
        "--data.cohort", str(small_cohort),
    ])  # fmt: skip
    assert ours == command.resolved()
    assert out == tmp_path / "run"


def test_the_run_folder_has_the_name_of_the_config(resolved, small_cohort):
    assert resolved(small_cohort)[1].as_posix() == "runs/ctt_net"
    assert resolved(small_cohort, ["ctt_net", "ablations/mean"])[1].as_posix() == "runs/mean"


def test_eyes_left_out_in_memory_are_not_trained_on_in_silence(small_cohort):
    cohort = ctt_net.load_cohort(small_cohort)
    with pytest.raises(InputError, match="not that of the folder"):
        ctt_net.train(cohort.where(cohort.table["laterality"] == "OD"))


def test_a_run_is_read_as_tables(small_run):
    run = ctt_net.Run(small_run)
    metrics = json.loads((small_run / "metrics.json").read_text())
    mae = metrics["regression"]["mae"]
    assert list(run.metrics.loc["regression.mae"]) == [mae["value"], *mae["ci95"]]
    baseline = metrics["baselines"]["preop_only"]["mae"]["value"]
    assert run.metrics.loc["baselines.preop_only.mae", "value"] == baseline
    assert run.comparison.loc["Preop VA only", "mae"] == baseline
    assert run.to_dict() == metrics
    assert len(run.predictions) == metrics["n_eyes"]
    assert run.report() == small_run / "report.html"
    assert run.verdict in run._repr_html_().replace("&#x27;", "'")
    assert f"MAE {mae['value']:.3f} logMAR" in repr(run)


def test_a_model_is_evaluated_as_by_the_command(small_run, other_cohort, tmp_path):
    from ctt_net.cli import main

    theirs = tmp_path / "command"
    assert main(["evaluate", str(small_run), str(other_cohort), "--out", str(theirs)]) == 0
    run = shutil.copytree(small_run, tmp_path / "runs/run")
    shutil.rmtree(run / "evaluations", ignore_errors=True)
    cohort = ctt_net.load_cohort(other_cohort)
    result = ctt_net.evaluate(ctt_net.Run(run), cohort)
    assert len(list((run / "evaluations").iterdir())) == 1  # recorded, though nothing was written
    metrics = json.loads((theirs / "metrics.json").read_text())
    assert result.to_dict()["regression"] == metrics["regression"]
    page = result.report(tmp_path / "ours")
    assert page == tmp_path / "ours/report.html"
    written = (tmp_path / "ours/predictions.csv").read_text()
    assert written == (theirs / "predictions.csv").read_text()
    few = cohort.where(cohort.table.index < 12)
    assert ctt_net.evaluate(run, few).to_dict()["n_eyes"] == 12


def test_a_table_is_evaluated_from_memory_as_from_a_file(small_run, small_cohort):
    file = small_run / "predictions.csv"
    table = pd.read_csv(file, dtype={"eye_id": str, "patient_id": str})
    from_memory, from_file = (ctt_net.evaluate(one, small_cohort) for one in (table, file))
    pd.testing.assert_frame_equal(from_memory.metrics, from_file.metrics)
    with pytest.raises(InputError, match=r"row 3, column 'predicted_logmar'"):
        ctt_net.evaluate(table.assign(predicted_logmar=[0.1, 99.0, *[0.1] * 22]), small_cohort)


def test_outcomes_to_check_are_those_that_the_report_lists(small_cohort, tmp_path):
    eyes = ctt_net.load_cohort(small_cohort).table
    error = np.random.default_rng(0).normal(0, 0.1, len(eyes))
    table = eyes[["eye_id", "patient_id", "preop_logmar", "postop_logmar"]].assign(
        predicted_logmar=eyes["postop_logmar"] + error,
        lower_logmar=np.nan,
        upper_logmar=np.nan,
        p_recovery=np.nan,
        flags="",
    )
    result = ctt_net.evaluate(table, small_cohort)
    result.report(tmp_path / "out")
    listed = pd.read_csv(tmp_path / "out/outcomes_to_check.csv", keep_default_na=False)
    assert sorted(listed["eye_id"]) == sorted(eyes["eye_id"])
    assert listed["p_wrong"].tolist() == result.outcomes_to_check["p_wrong"].tolist()
    again = ctt_net.Run(tmp_path / "out").outcomes_to_check
    pd.testing.assert_frame_equal(again, result.outcomes_to_check, check_dtype=False)
    assert ctt_net.evaluate(table.iloc[:40], small_cohort).outcomes_to_check is None
