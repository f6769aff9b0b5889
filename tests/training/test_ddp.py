"""Two processes on the CPU train one model together and leave one run folder."""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from ctt_net.cohort import read_cohort


@pytest.mark.slow
def test_two_processes_leave_one_run(small_cohort, tiny_network, tmp_path, repository):
    run = tmp_path / "run"
    command = [
        sys.executable, "train.py", *tiny_network, "--data.cohort", str(small_cohort),
        "--folds", "1", "--out", str(run), "--trainer.max_epochs", "1",
        "--trainer.strategy", "ddp", "--trainer.devices", "2", "--data.batch_size", "8",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=repository, capture_output=True, text=True, timeout=400, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    folds = read_cohort(small_cohort).folds()
    predictions = pd.read_csv(run / "predictions.csv")
    assert set(predictions["eye_id"]) == set(folds.index[folds == 1])
    provenance = json.loads((run / "fold_1/model/provenance.json").read_text())
    assert provenance["n_train"] + provenance["n_selection"] == int((folds != 1).sum())
