"""The whole way on a small cohort: runs, table and page, and the command line's exit codes."""

import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console

from benchmarks import compare as command
from benchmarks.comparison import compare as comparison
from benchmarks.comparison import run_job
from ctt_net import INTENDED_USE
from ctt_net.cohort import read_cohort
from ctt_net.launch import Place

pytestmark = pytest.mark.usefixtures("traced_once")


@pytest.fixture
def in_process(monkeypatch):
    """Jobs one after the other in this process: what they do, without the start of Python."""

    def run(jobs, place):
        for job in jobs:
            if not job.finished():
                assert run_job.main(job.task_file) == 0
        return []

    monkeypatch.setattr(comparison, "run_jobs", run)


@pytest.fixture
def plan(write_plan, small_cohort, other_cohort, tiny_network):
    _, config, *keys = tiny_network
    tiny = {
        key.removeprefix("--"): yaml.safe_load(value)
        for key, value in zip(keys[::2], keys[1::2], strict=True)
    }
    return write_plan(
        cohort=str(small_cohort),
        held_out=str(other_cohort),
        folds=[1, 2],
        reference="ridge",
        overrides={**tiny, "trainer.max_epochs": 1},
        rows={
            "mean": {"baseline": "mean"},
            "ridge": {"baseline": "preop_only"},
            "network": {"config": config},
            "oracle": {"oracle": True},
        },
    )


def compare(plan, out):
    console = Console(file=io.StringIO())
    return comparison.compare(
        plan, out, cohort_folder=None, held_out_folders=None, place=Place(), bootstrap=60,
        console=console,
    )  # fmt: skip


@pytest.mark.slow
def test_a_plan_becomes_one_table(plan, tmp_path, in_process, small_cohort, other_cohort):
    out = tmp_path / "out"
    assert compare(plan, out) == 0
    table = pd.read_csv(out / "comparison.csv").set_index(["evaluated", "row"])
    parts = table.index.get_level_values(0).unique()
    assert [part.split(":")[0] for part in parts] == [
        "out of fold", "other_cohort, held out", "other_cohort, held out",
    ]  # fmt: skip
    for part in parts:
        assert list(table.loc[part].index) == ["mean", "ridge", "network", "oracle"]
    assert set(table["intended_use"]) == {INTENDED_USE}
    assert table["simulated_eyes"].all()

    cohort = read_cohort(small_cohort)
    eyes = cohort.table.set_index("eye_id")
    fold = eyes.index.map(cohort.folds())
    truth = eyes["postop_logmar"]
    by_hand = [(truth[fold == k] - truth[fold != k].mean()).abs() for k in (1, 2)]
    first = table.loc[parts[0]]
    assert first.loc["mean", "mae"] == pytest.approx(pd.concat(by_hand).mean())
    reported = fold.isin([1, 2])
    miss = (truth - cohort.potential()[truth.index])[reported].abs()
    assert first.loc["oracle", "mae"] == pytest.approx(miss.mean())
    network = pd.read_csv(out / "network/seed_0/predictions.csv")
    error = (network["predicted_logmar"] - network["postop_logmar"]).abs()
    assert first.loc["network", "mae"] == pytest.approx(error.mean())
    assert first.loc["network", "mae_letters"] == pytest.approx(50 * error.mean())
    assert first.loc["network", "mae_difference"] == pytest.approx(
        first.loc["network", "mae"] - first.loc["ridge", "mae"]
    )
    assert (
        first.loc["network", "mae_difference_corrected_lo"]
        < first.loc["network", "mae_difference"]
        < first.loc["network", "mae_difference_corrected_hi"]
    )
    assert np.isnan(first.loc["ridge", "mae_difference"])
    assert first.loc["network", "parameters"] >= first.loc["network", "trainable_parameters"] > 100
    assert first.loc["network", ["wall_s_per_fold", "predict_ms_per_eye"]].gt(0).all()

    held_out = read_cohort(other_cohort).table["postop_logmar"]
    guess = np.mean([truth[fold != k].mean() for k in (1, 2)])
    assert table.loc[(parts[1], "mean"), "mae"] == pytest.approx((held_out - guess).abs().mean())
    singles = [(held_out - truth[fold != k].mean()).abs().mean() for k in (1, 2)]
    assert table.loc[(parts[2], "mean"), "mae"] == pytest.approx(np.mean(singles))

    for name in ("comparison.md", "comparison.html"):
        text = (out / name).read_text(encoding="utf-8")
        assert INTENDED_USE in text
        assert "imulated" in text
        assert "network" in text
    assert "http" not in (out / "comparison.html").read_text().replace("http-equiv", "")

    kept = (out / "network/seed_0/fold_1/model/model.safetensors").stat().st_mtime_ns
    before = (out / "comparison.csv").read_bytes()
    assert compare(plan, out) == 0
    assert (out / "network/seed_0/fold_1/model/model.safetensors").stat().st_mtime_ns == kept
    assert (out / "comparison.csv").read_bytes() == before


def test_a_misspelt_key_of_a_config_is_found_before_anything_runs(
    plan, tmp_path, in_process, capsys
):
    text = plan.read_text().replace("trainer.max_epochs", "trainer.max_epocs")
    plan.write_text(text)
    assert command.main([str(plan), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert (
        "rows.network: unknown key --trainer.max_epocs; did you mean --trainer.max_epochs?" in said
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_typos_end_with_exit_code_2_and_a_message(write_plan, repository, tmp_path):
    done = subprocess.run(
        [sys.executable, str(repository / "benchmarks/compare.py"), str(write_plan(seds=[1])),
         "--out", str(tmp_path / "out")],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    assert "plan.yaml: unknown key 'seds'; did you mean 'seeds'?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("keys", "said"), [({"folds": [9]}, "there is no fold 9")])
def test_a_fold_that_is_not_there(write_plan, small_cohort, tmp_path, capsys, keys, said):
    plan = write_plan(cohort=str(small_cohort), **keys)
    assert command.main([str(plan), "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
