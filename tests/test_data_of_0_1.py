"""A cohort, a run and its evaluation as version 0.1 wrote them: read, and the numbers the same.

`data_of_0_1/` was made by version 0.1: a late-fusion network of a few hundred parameters, trained
on 40 simulated eyes (seed 11), evaluated on 12 others (seed 12) whose scans were reduced to a sixth
of their size. Checkpoints, figures and pages are left out.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ctt_net.inference.evaluate import evaluate_model
from ctt_net.inference.predict import predict_patient
from ctt_net.report.rerender import read_evaluated, render_again

STORED = Path(__file__).parent / "data_of_0_1"


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A copy, since evaluating writes into the run folder."""
    return Path(shutil.copytree(STORED, tmp_path_factory.mktemp("0_1") / "stored"))


@pytest.fixture(scope="module")
def evaluated(stored):
    evaluate_model(stored / "run", stored / "held_out", stored / "out")
    return stored / "out"


def test_predictions_are_the_same(stored, evaluated):
    then, now = (
        pd.read_csv(folder / "predictions.csv", keep_default_na=False, na_values={"flags": []})
        for folder in (stored / "evaluated", evaluated)
    )
    assert list(now) == list(then)
    for column in then:
        if column == "flags":
            renamed = then[column].str.replace("far_from_training", "out_of_distribution")
            assert now[column].tolist() == renamed.tolist()
        elif then[column].dtype == float:
            np.testing.assert_allclose(now[column], then[column], rtol=0, atol=1e-6)
        else:
            assert now[column].tolist() == then[column].tolist()


def test_figures_are_the_same(stored, evaluated):
    then, now = (
        json.loads((folder / "metrics.json").read_text())
        for folder in (stored / "evaluated", evaluated)
    )
    for group, name in [("regression", "mae"), ("regression", "bias"), ("interval", "coverage")]:
        assert now[group][name]["value"] == pytest.approx(then[group][name]["value"], abs=1e-6)


def test_earlier_evaluation_is_counted(evaluated):
    assert json.loads((evaluated / "metrics.json").read_text())["test_set"]["evaluations"] == 2


def test_patient_is_predicted_as_before(stored):
    done = predict_patient(stored / "patient", stored / "run", stored / "patient_out")
    then = json.loads((stored / "predicted/prediction.json").read_text())
    (old,), (new,) = then["eyes"], done.prediction["eyes"]
    assert new["postop"]["logmar"] == pytest.approx(old["postop"]["logmar"], abs=1e-4)
    for part in ("interval", "p_recovery", "baselines"):
        assert new[part] == pytest.approx(old[part], abs=1e-4)  # the digits that are written


def test_evaluation_is_rendered_again(stored, tmp_path):
    page = render_again(read_evaluated(stored / "evaluated"), tmp_path / "page")
    assert "evaluation on unseen eyes" in page.read_text()


def test_configuration_is_read_under_the_names_of_today():
    from ctt_net.training.config import TrainingConfig

    config = TrainingConfig(["--config", str(STORED / "run/config.yaml")]).config
    assert config.model.fusion.class_path == "ctt_net.models.fusion.LateFusion"
    assert config.data.val_fraction == 0.15
    flags = ["--data.selection_fraction", "0.3", "--model.fusion", "LateJoinFusion"]
    config = TrainingConfig(["--config", str(STORED / "run/config.yaml"), *flags]).config
    assert config.data.val_fraction == 0.3


def test_network_is_built_again_and_predicts_the_same(stored):
    import torch

    from ctt_net.model_folder.member import Member
    from ctt_net.training.architecture import load_network

    folder = stored / "run/fold_1/model"
    network, views = load_network(folder), np.zeros((1, 2, 32, 48), np.uint8)
    present, preop = np.ones((1, 2), bool), np.array([0.5])
    with torch.inference_mode():
        ours = network(
            torch.from_numpy(views)[:, :, None], torch.from_numpy(present), torch.tensor([0.5])
        )
    theirs = Member(folder)(views, present, preop)
    assert ours.postop_logmar.item() == pytest.approx(theirs.postop_logmar.item(), abs=1e-5)
