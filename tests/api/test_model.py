"""A model in Python predicts as the commands do, and new networks are those of a config."""

import json
import shutil

import pandas as pd
import pytest
import torch

import ctt_net
from ctt_net.cli import main
from ctt_net.errors import InputError
from ctt_net.training.config import TrainingConfig


@pytest.fixture(scope="module")
def model(small_run):
    return ctt_net.load_model(small_run)


@pytest.fixture
def patient(other_cohort, tmp_path):
    row = pd.read_csv(other_cohort / "manifest.csv", dtype=str).iloc[0]
    folder = tmp_path / "patient_1"
    folder.mkdir()
    for view in ("horizontal", "vertical"):
        shutil.copy(other_cohort / row[view], folder / f"{row['laterality']}_{view}.png")
    return folder, row["laterality"]


def test_a_patient_is_predicted_as_by_the_command(model, small_run, patient, tmp_path):
    folder, side = patient
    before = sorted(tmp_path.rglob("*"))
    found = model.predict(folder, preop_va={side: "20/60"})
    assert sorted(tmp_path.rglob("*")) == before
    command = ["predict", folder, "--model", small_run, "--out", tmp_path / "out"]
    assert main([*map(str, command), "--preop-va", f"{side}=20/60"]) == 0
    written = json.loads((tmp_path / "out/prediction.json").read_text())
    assert json.loads(json.dumps(found.to_dict())) == written
    eye = found.eyes.loc[side]
    assert eye["predicted_logmar"] == found.to_dict()["eyes"][0]["postop"]["logmar"]
    assert eye["lower_logmar"] <= eye["predicted_logmar"] <= eye["upper_logmar"]
    page = found.report(tmp_path / "ours")
    assert page.read_text() == (tmp_path / "out/report.html").read_text()
    with pytest.raises(InputError, match="another patient's"):
        found.report(tmp_path / "ours")


def test_an_acuity_that_is_not_given_is_asked_for(model, patient):
    with pytest.raises(InputError, match=r"acuity of .* is not given"):
        model.predict(patient[0])
    with pytest.raises(InputError, match="expected EYE=VALUE"):
        model.predict(patient[0], preop_va={"right": "20/60"})


def test_a_cohort_is_predicted_as_it_is_evaluated(model, other_cohort):
    predictions = model.predict_cohort(ctt_net.load_cohort(other_cohort))
    evaluated = ctt_net.evaluate(model, other_cohort).predictions
    pd.testing.assert_frame_equal(predictions, evaluated)


def test_a_model_says_what_it_reads(model):
    assert model.views == ["horizontal", "vertical"]
    assert "age_years" in model.covariates
    assert (model.preprocessing.height, model.preprocessing.width) == (64, 96)
    assert "2 networks" in repr(model)


def test_a_new_network_is_that_of_a_training(tiny_network, small_cohort):
    config = TrainingConfig([*tiny_network, "--data.cohort", str(small_cohort)])
    network = config.build(1, small_cohort)[0].network
    ours = ctt_net.create_model(
        backbone={"class_path": "SmallConvBackbone",
                  "init_args": {"widths": [4, 8, 8], "columns": 3}},
        fusion={"init_args": {"dim": 16, "depth": 1, "exchanges": 1}},
        covariates={"init_args": {"layers": 1}},
        covariate_levels=[0, 2, 0, 2],
    )  # fmt: skip
    shapes, theirs = (
        {name: tuple(one.shape) for name, one in net.state_dict().items()}
        for net in (ours, network)
    )
    assert shapes == theirs


def test_a_new_network_runs_with_any_timm_backbone_and_number_of_views():
    network = ctt_net.create_model(
        "ctt_net", backbone="test_resnet", num_views=3, fusion="MeanFusion"
    ).eval()
    views = torch.rand(2, 3, 1, 64, 96)
    present = torch.tensor([[True, True, True], [True, False, False]])
    said = network(views, present, torch.tensor([0.5, float("nan")]))
    assert said.postop_logmar.shape == (2,)
    assert torch.isfinite(said.postop_logmar).all()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"fusion": "Mean"}, "MeanFusion"),
        ({"num_views": 0}, "num_views"),
        ({"backbone": "rsnt"}, "rsnt"),
    ],
)
def test_a_network_that_cannot_be_is_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        ctt_net.create_model("ctt_net", **wrong)
