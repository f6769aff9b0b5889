"""Two processes on the CPU train one model together and leave one run folder.

Nothing of it is stubbed: the export is traced and the figures are drawn as users get them.
"""

import json
import os
import subprocess
import sys

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch

from ctt_net.cohort import read_cohort
from ctt_net.training.architecture import load_network
from ctt_net.training.run import train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def keys(small_cohort, tiny_network):
    return [
        *tiny_network, "--data.cohort", str(small_cohort), "--folds", "1",
        "--trainer.max_epochs", "1",
        "--data.val_fraction", "0.15",  # of an odd number of eyes: one would be padded
        # Traced in earnest, so as small a network as there is.
        "--model.fusion", "MeanFusion", "--model.covariates", "null",
        # Batch norm would take its statistics from the eyes of one process.
        "--model.backbone", "TimmBackbone", "--model.backbone.init_args.name", "test_convnext",
        # Each of its heads takes part in every step.
        "--model.deep_supervision.stages", "[1,2]",
        # Adam divides by the size of a gradient, and so makes rounding large.
        "--model.optimisation", "SgdSteps", "--model.optimisation.init_args.warmup_steps", "0",
        "--model.learning_rate", "0.01",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def run(keys, tmp_path_factory, repository):
    run = tmp_path_factory.mktemp("ddp") / "run"
    command = [
        sys.executable, "train.py", *keys, "--out", str(run),
        "--trainer.strategy", "ddp", "--trainer.devices", "2", "--data.batch_size", "8",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=repository, capture_output=True, text=True, timeout=900, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return run


def test_two_processes_leave_one_run(run, small_cohort):
    folds = read_cohort(small_cohort).folds()
    predictions = pd.read_csv(run / "predictions.csv")
    assert set(predictions["eye_id"]) == set(folds.index[folds == 1])
    provenance = json.loads((run / "fold_1/model/provenance.json").read_text())
    assert provenance["n_train"] + provenance["n_val"] == int((folds != 1).sum())


def test_two_processes_learn_and_measure_what_one_does(run, keys, tmp_path, monkeypatch):
    monkeypatch.setattr("ctt_net.training.fold._export", lambda *_: None)
    monkeypatch.setattr("ctt_net.training.run._report", lambda *_: None)
    alone = train([*keys, "--out", str(tmp_path / "run"), "--data.batch_size", "16"]).folder
    two, one = (pd.read_csv(place / "fold_1/metrics.csv") for place in (run, alone))
    pd.testing.assert_frame_equal(two, one, rtol=0, atol=1e-6)
    provenance = json.loads((run / "fold_1/model/provenance.json").read_text())
    assert provenance["n_val"] % 2, "else no eye could be counted twice"


def test_the_exported_network_is_the_trained_one(run):
    rng = np.random.default_rng(0)
    views = rng.integers(0, 256, (4, 2, 1, 64, 96), dtype=np.uint8)
    present = np.array([[True, True], [True, False], [False, True], [False, False]])
    preop = np.array([0.3, 0.5, np.nan, 0.9], dtype=np.float32)
    session = onnxruntime.InferenceSession(run / "fold_1/model/model.onnx")
    names = [node.name for node in session.get_inputs()]
    shipped = session.run(None, dict(zip(names, (views, present, preop), strict=True)))[0]
    network = load_network(run / "fold_1/model")
    with torch.inference_mode():
        trained = network(torch.tensor(views), torch.tensor(present), torch.tensor(preop))
    np.testing.assert_allclose(shipped, trained.postop_logmar.numpy(), atol=1e-5)


def test_the_report_has_its_figures(run):
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") > 5
    assert page.count("<path") > 50, "the figures are drawn, not only named"
    pictures = sorted(run.glob("figures/*.png"))
    assert len(pictures) == page.count("<figure")
    assert all(picture.stat().st_size > 5_000 for picture in pictures)
