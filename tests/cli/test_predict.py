"""`ctt-net predict`: exit codes, messages and numbers."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ctt_net.cli import main


@pytest.fixture
def patient(other_cohort, tmp_path):
    row = pd.read_csv(other_cohort / "manifest.csv", dtype=str).iloc[0]
    folder = tmp_path / "patient_1"
    folder.mkdir()
    for view in ("horizontal", "vertical"):
        shutil.copy(other_cohort / row[view], folder / f"{row['laterality']}_{view}.png")
    return folder, row["laterality"]


def test_a_patient_gets_a_prediction_and_a_page(small_run, patient, tmp_path, capsys):
    folder, eye = patient
    out = tmp_path / "out"
    arguments = ["predict", folder, "--model", small_run, "--out", out]
    assert main([*map(str, arguments), "--preop-va", f"{eye}=20/60"]) == 0
    prediction = json.loads((out / "prediction.json").read_text())
    (found,) = prediction["eyes"]
    assert found["laterality"] == eye
    assert found["preop"]["text"] == "20/60"
    assert found["preop"]["etdrs_letters"] == 61
    assert {"logmar", "decimal", "snellen_20ft", "snellen_6m", "etdrs_letters"} <= set(
        found["postop"]
    )
    interval = found["interval"]
    assert interval["lower_logmar"] < found["postop"]["logmar"] < interval["upper_logmar"]
    assert all(view["present"] for view in found["views"])
    page = (out / "report.html").read_text()
    assert "Research use only" in page
    assert "data:image/jpeg" in page
    assert "http://" not in page
    assert "20/60" in page
    assert "Research use only" in capsys.readouterr().out


def test_it_is_the_number_that_evaluate_gives(small_run, patient, other_cohort, tmp_path):
    folder, eye = patient
    row = pd.read_csv(other_cohort / "manifest.csv", dtype=str).iloc[0]
    names = ("age_years", "sex", "axial_length_mm", "diabetes")
    given = ", ".join(f"{name}: {row[name]}" for name in names)
    (folder / "patient.yaml").write_text(f"covariates: {{{given}}}")
    main(["evaluate", str(small_run), str(other_cohort), "--out", str(tmp_path / "e")])
    arguments = ["predict", folder, "--model", small_run, "--out", tmp_path / "p"]
    arguments += ["--preop-va", f"{eye}={row['preop_va']}", "--notation", "decimal"]
    assert main([str(argument) for argument in arguments]) == 0
    one = json.loads((tmp_path / "p/prediction.json").read_text())["eyes"][0]
    table = pd.read_csv(tmp_path / "e/predictions.csv").set_index("eye_id")
    assert one["postop"]["logmar"] == pytest.approx(
        table.loc[row["eye_id"], "predicted_logmar"], abs=1e-4
    )


def test_a_scan_of_the_training_is_flagged(small_run, small_cohort, tmp_path):
    row = pd.read_csv(small_cohort / "manifest.csv", dtype=str).iloc[0]
    folder = tmp_path / "known"
    folder.mkdir()
    shutil.copy(small_cohort / row["horizontal"], folder / f"{row['laterality']}_h.png")
    arguments = ["predict", folder, "--model", small_run, "--out", tmp_path / "out"]
    assert main([*map(str, arguments), "--preop-va", f"{row['laterality']}=20/60"]) == 0
    (found,) = json.loads((tmp_path / "out/prediction.json").read_text())["eyes"]
    assert "train_test_overlap" in found["flags"]


def test_no_acuity_is_one_clear_message(small_run, patient, tmp_path, fails):
    folder, eye = patient
    said = fails("predict", folder, "--model", small_run, "--out", tmp_path / "out")
    assert f"--preop-va {eye}=20/60" in said
    assert not (tmp_path / "out").exists()


def test_a_missing_view_is_flagged(small_run, patient, tmp_path):
    folder, eye = patient
    (folder / f"{eye}_vertical.png").unlink()
    arguments = ["predict", folder, "--model", small_run, "--out", tmp_path / "out"]
    assert main([*map(str, arguments), "--preop-va", f"{eye}=unknown"]) == 0
    (found,) = json.loads((tmp_path / "out/prediction.json").read_text())["eyes"]
    assert found["flags"][:2] == ["no_preop_va", "missing_view:vertical"]
    assert found["preop"] is None
    assert found["p_recovery"]["gains_0.20"] is None
    assert "missing (vertical)" in found["reason"]


def test_a_wrong_value_names_the_flag(small_run, patient, tmp_path, fails):
    folder, eye = patient
    said = fails(
        "predict", folder, "--model", small_run, "--out", tmp_path / "out",
        "--preop-va", f"{eye}=6-Sep", "--notation", "snellen",
    )  # fmt: skip
    assert "6-Sep" in said


@pytest.mark.parametrize(
    ("covariates", "said"),
    [
        ("{age_years: .inf}", "age_years"),
        ("{age_years: old}", "age_years"),
        ("{sex: banana}", "banana"),
        ("{hair: red}", "hair"),
    ],
)
def test_a_covariate_that_cannot_be_is_named(small_run, patient, tmp_path, covariates, said, fails):
    folder, eye = patient
    (folder / "patient.yaml").write_text(f"covariates: {covariates}")
    message = fails(
        "predict", folder, "--model", small_run, "--out", tmp_path / "out",
        "--preop-va", f"{eye}=20/60",
    )  # fmt: skip
    assert said in message
    assert "patient.yaml" in message


def test_a_broken_scan_is_named(small_run, patient, tmp_path, fails):
    folder, eye = patient
    (folder / f"{eye}_vertical.png").write_text("no picture")
    said = fails(
        "predict", folder, "--model", small_run, "--out", tmp_path / "out",
        "--preop-va", f"{eye}=20/60",
    )  # fmt: skip
    assert f"{eye}_vertical.png" in said
    assert not (tmp_path / "out").exists()


def test_names_are_escaped_in_the_page(small_run, patient, tmp_path):
    folder, eye = patient
    (folder / "patient.yaml").write_text("patient_id: <script>alert(1)</script>")
    arguments = ["predict", folder, "--model", small_run, "--out", tmp_path / "out"]
    assert main([*map(str, arguments), "--preop-va", f"{eye}=20/60"]) == 0
    assert "<script>" not in (tmp_path / "out/report.html").read_text()


def test_a_left_eye_is_mirrored_before_the_network(small_run, tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 90, (160, 240), dtype=np.uint8)
    noise[80:110] += 120  # a bright band for the crop to find
    logmar = []
    for eye, pixels in (("OD", noise), ("OS", noise[:, ::-1])):
        folder = tmp_path / eye
        folder.mkdir()
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{eye}_horizontal.png")
        arguments = ["predict", folder, "--model", small_run, "--out", tmp_path / f"o{eye}"]
        assert main([*map(str, arguments), "--preop-va", f"{eye}=20/60"]) == 0
        found = json.loads((tmp_path / f"o{eye}/prediction.json").read_text())
        logmar.append(found["eyes"][0]["postop"]["logmar"])
    assert logmar[0] == logmar[1]
