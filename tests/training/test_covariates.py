"""Covariates from a config through training and evaluation to a patient, and cohorts without."""

import shutil

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
import yaml

from ctt_net.errors import InputError
from ctt_net.inference.evaluate import evaluate_model
from ctt_net.inference.predict import predict_patient
from ctt_net.model_folder.predictor import Predictor
from ctt_net.training.architecture import load_network
from ctt_net.training.config import TrainingConfig
from ctt_net.training.run import train
from ctt_net.uncertainty.flags import covariate_flags

NAMES = ["age_years", "sex", "axial_length_mm", "diabetes"]
T2G = ["--model.covariates", "T2GEncoder"]

pytestmark = pytest.mark.usefixtures("traced_once")


@pytest.fixture(scope="module")
def run(small_run):
    """The default config takes covariates."""
    return small_run


@pytest.fixture(scope="module")
def evaluated(run, other_cohort, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluated")
    evaluate_model(run, other_cohort, out)
    return pd.read_csv(out / "predictions.csv", keep_default_na=False)


@pytest.fixture
def cohort(other_cohort, tmp_path):
    return shutil.copytree(other_cohort, tmp_path / "cohort")


def declare(cohort, change):
    path = cohort / "cohort.yaml"
    spec = yaml.safe_load(path.read_text())
    change(spec["covariates"])
    path.write_text(yaml.safe_dump(spec))


@pytest.mark.slow
def test_the_model_folder_says_which_covariates_in_which_order(run):
    (member,) = Predictor.load(run / "fold_1/model").members
    assert list(member.spec.covariates) == NAMES
    assert member.spec.covariates["axial_length_mm"].unit == "mm"
    assert member.spec.architecture["covariates"]["init_args"]["levels"] == [0, 2, 0, 2]
    session = onnxruntime.InferenceSession(run / "fold_1/model/model.onnx")
    assert [node.name for node in session.get_inputs()][-1] == "covariates"


def test_both_forms_of_the_network_read_raw_values(run):
    folder = run / "fold_1/model"
    network = load_network(folder)
    age = network.covariates.tokens.scaler(torch.tensor([[70.0, 0, 24, 0], [1e9, 0, 24, 0]]))
    assert abs(age[0, 0]) < 1
    assert 1 < age[1, 0] < 3
    (member,) = Predictor.load(folder).members
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (4, 2, 64, 96), dtype=np.uint8)
    present, preop = np.ones((4, 2), bool), np.array([0.3, 0.5, np.nan, 0.9])
    values = np.array([[70, 0, 24, 0], [55, 1, 22, np.nan], [np.nan] * 4, [99, 1, 31, 1]], "f4")
    raw = member(pixels, present, preop, values)
    with torch.inference_mode():
        expected = network(
            torch.tensor(pixels[:, :, None]), torch.tensor(present),
            torch.tensor(preop, dtype=torch.float32), torch.tensor(values),
        )  # fmt: skip
    np.testing.assert_allclose(expected.postop_logmar.numpy(), raw.postop_logmar, atol=1e-5)
    unknown = member(pixels, present, preop)
    assert unknown.postop_logmar[2] == pytest.approx(raw.postop_logmar[2], abs=1e-6)
    assert not np.allclose(unknown.postop_logmar[:2], raw.postop_logmar[:2], atol=1e-7)
    with pytest.raises(ValueError, match="covariates must be"):
        member(pixels, present, preop, values[:, :3])


@pytest.mark.slow
def test_known_covariates_leave_no_flag(evaluated):
    assert len(evaluated) == 20
    assert not evaluated["flags"].str.contains("covariate").any()


def test_a_column_that_the_cohort_lacks_is_unknown_and_said_once(run, cohort, evaluated, tmp_path):
    declare(cohort, lambda covariates: covariates.pop("axial_length_mm"))
    table = pd.read_csv(cohort / "manifest.csv", dtype=str, keep_default_na=False)
    table.drop(columns="axial_length_mm").to_csv(cohort / "manifest.csv", index=False)
    done = evaluate_model(run, cohort, tmp_path / "out")
    predictions = pd.read_csv(tmp_path / "out/predictions.csv", keep_default_na=False)
    assert predictions["flags"].str.contains("missing_covariate:axial_length_mm").all()
    said = [note for note in done.metrics["warnings"] if "axial_length_mm" in note]
    assert len(said) == 1
    assert not np.allclose(predictions["predicted_logmar"], evaluated["predicted_logmar"])


def test_another_unit_under_the_same_name_is_refused(run, cohort, tmp_path):
    declare(cohort, lambda covariates: covariates["age_years"].update(unit="months"))
    with pytest.raises(InputError, match=r"age_years.*months.*years"):
        evaluate_model(run, cohort, tmp_path / "out")


def test_a_level_the_model_never_saw_is_unknown_with_a_flag(run):
    (member,) = Predictor.load(run / "fold_1/model").members
    table = pd.DataFrame({"age_years": [70.0], "sex": ["X"], "diabetes": [np.nan]})
    assert covariate_flags(table, member.spec.covariates) == [
        ["unseen_level:sex", "missing_covariate:axial_length_mm", "missing_covariate:diabetes"]
    ]


@pytest.fixture
def patient(other_cohort, tmp_path):
    row = pd.read_csv(other_cohort / "manifest.csv", dtype=str).iloc[0]
    folder = tmp_path / "patient_1"
    folder.mkdir()
    for view in ("horizontal", "vertical"):
        shutil.copy(other_cohort / row[view], folder / f"{row['laterality']}_{view}.png")
    return folder, row


def test_a_patient_with_its_covariates_is_the_eye_of_the_cohort(run, patient, evaluated, tmp_path):
    folder, row = patient
    (folder / "patient.yaml").write_text(
        f"covariates: {{age_years: {row['age_years']}, sex: {row['sex']}, "
        f"axial_length_mm: {{{row['laterality']}: {row['axial_length_mm']}}}, "
        f"diabetes: {row['diabetes']}}}"
    )
    given = (f"{row['laterality']}={row['preop_va']}",)
    done = predict_patient(folder, run, tmp_path / "out", given, "decimal")
    (eye,) = done.prediction["eyes"]
    expected = evaluated.set_index("eye_id").loc[row["eye_id"], "predicted_logmar"]
    assert eye["postop"]["logmar"] == pytest.approx(expected, abs=1e-4)
    used = {one["name"]: one["value"] for one in eye["covariates"]}
    assert used["axial_length_mm"] == float(row["axial_length_mm"])
    assert used["sex"] == row["sex"]
    assert f"axial length {float(row['axial_length_mm']):g} mm" in done.report_path.read_text()


def test_what_is_not_given_of_a_patient_is_shown_as_unknown(run, patient, tmp_path):
    folder, row = patient
    (folder / "patient.yaml").write_text("covariates: {age_years: 71}")
    given = (f"{row['laterality']}=20/60",)
    done = predict_patient(folder, run, tmp_path / "out", given)
    (eye,) = done.prediction["eyes"]
    unknown = [one["name"] for one in eye["covariates"] if one["value"] is None]
    assert unknown == NAMES[1:]
    assert "missing_covariate:sex" in eye["flags"]
    page = done.report_path.read_text()
    assert "<dt>Not given</dt><dd>sex, axial length, diabetes</dd>" in page


@pytest.mark.parametrize(
    ("covariates", "said"),
    [
        ("{diabetes: 3}", r"3 is not 0 \(no\) or 1 \(yes\)"),
        ("{axial_length_mm: {left: 23}}", "unknown key 'left'"),
    ],
)
def test_a_covariate_that_cannot_be_is_named(run, patient, tmp_path, covariates, said):
    folder, row = patient
    (folder / "patient.yaml").write_text(f"covariates: {covariates}")
    with pytest.raises(InputError, match=said):
        predict_patient(folder, run, tmp_path / "out", (f"{row['laterality']}=20/60",))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_without_covariates_the_same_config_is_a_network_without(
    small_cohort, other_cohort, tiny_network, patient, tmp_path
):
    keys = ["--data.cohort", str(small_cohort), "--folds", "1", "--out", str(tmp_path / "run")]
    keys += ["--data.covariates", "[]", "--trainer.max_epochs", "1"]
    train([*tiny_network, *T2G, *keys])
    folder = tmp_path / "run/fold_1/model"
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    assert "covariates" not in [node.name for node in session.get_inputs()]
    evaluate_model(folder, other_cohort, tmp_path / "evaluated")
    done = predict_patient(
        patient[0], folder, tmp_path / "out", (f"{patient[1]['laterality']}=CF",)
    )
    assert done.prediction["eyes"][0]["covariates"] == []


@pytest.mark.parametrize(
    ("keys", "levels"),
    [
        (["--model.covariates", "null"], None),
        (T2G, (0, 2, 0, 2)),
        ([*T2G, "--data.covariates", "[diabetes, age_years]"], (2, 0)),
        ([*T2G, "--data.covariates", "[]"], None),
        (["--model.covariates", "PlainEncoder"], (0, 2, 0, 2)),
    ],
)
def test_width_and_levels_reach_the_encoder(tiny_network, small_cohort, tmp_path, keys, levels):
    base = [*tiny_network, "--data.cohort", str(small_cohort)]
    config = TrainingConfig([*base, *keys])
    path = tmp_path / "resolved.yaml"
    path.write_text(config.resolved())
    for one in (config, TrainingConfig(["--config", str(path)])):
        network = one.build(1, tmp_path)[0].network
        found = network.covariates
        assert (found and found.levels) == levels
        assert found is None or found.dim == network.fusion.dim == 16


def test_an_unknown_name_lists_the_declared_ones(tiny_network, small_cohort, tmp_path):
    base = [*tiny_network, *T2G, "--data.cohort", str(small_cohort)]
    config = TrainingConfig([*base, "--data.covariates", "[hair]"])
    with pytest.raises(InputError, match=r"hair.*age_years, sex, axial_length_mm, diabetes"):
        config.build(1, tmp_path)
