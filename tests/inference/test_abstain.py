"""A prediction that should not be used says so first, in the page, the table and the JSON."""

import json
import shutil

import cv2
import numpy as np
import onnx
import pandas as pd
import pytest

from ctt_net.cohort import read_cohort
from ctt_net.data.scans import load_scans
from ctt_net.inference.predict import predict_patient
from ctt_net.model_folder.digests import seal
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.table import predict_eyes
from tests.uncertainty.no_oct import fundus


def predicted(folder, model, out, acuity="20/60"):
    done = predict_patient(folder, model, out, (f"OD={acuity}",))
    (eye,) = done.prediction["eyes"]
    return eye, done.report_path.read_text()


@pytest.fixture
def of_a_fundus(tmp_path):
    folder = tmp_path / "patient"
    folder.mkdir()
    for seed, view in enumerate(("horizontal", "vertical")):
        cv2.imwrite(str(folder / f"OD_{view}.png"), fundus(np.random.default_rng(seed)))
    return folder


def test_a_fundus_photo_is_predicted_and_its_page_says_first_not_to_use_it(
    of_a_fundus, small_run, tmp_path
):
    eye, page = predicted(of_a_fundus, small_run, tmp_path / "out")
    assert eye["abstain"] is True
    assert eye["abstain_because"][:2] == ["unusable_scan", "out_of_distribution"]
    assert {"unusable_scan", "out_of_distribution", "abstain"} <= set(eye["flags"])
    assert eye["reason"].startswith("A scan of this eye is not an upright OCT B-scan")
    assert np.isfinite(eye["postop"]["logmar"])
    warned = page.index("Do not use the prediction for this eye")
    said = page.index("differ from those the model was trained on")
    assert warned < said < page.index('class="answer"')
    written = json.loads((tmp_path / "out/prediction.json").read_text())["eyes"][0]
    assert written["abstain"] is True


def test_an_eye_like_those_of_the_training_is_answered(small_run, small_cohort, tmp_path):
    # Of the training on purpose: with so few simulated eyes a new one may well be strange.
    cohort = read_cohort(small_cohort)
    cohort = cohort.where(cohort.table.index < 16)
    scans = load_scans(cohort, Predictor.load(small_run).spec.preprocessing)
    table = predict_eyes(Predictor.load(small_run), cohort.table, scans)
    flags = table["flags"].str.split(";").map(set)
    abstained = flags.map(lambda these: "abstain" in these)
    assert abstained.mean() < 0.3
    row = cohort.table[~abstained.to_numpy()].iloc[0]
    folder = tmp_path / "known"
    folder.mkdir()
    for view in ("horizontal", "vertical"):
        if isinstance(row[view], str) and row[view]:
            name = f"{row['laterality']}_{view}.png"
            shutil.copy(small_cohort / row[view], folder / name)
    names = ("age_years", "sex", "axial_length_mm", "diabetes")
    given = ", ".join(f"{name}: {row[name]}" for name in names if not pd.isna(row[name]))
    (folder / "patient.yaml").write_text(f"covariates: {{{given}}}")
    done = predict_patient(
        folder, small_run, tmp_path / "out", (f"{row['laterality']}={row['preop_va']}",), "decimal"
    )
    (eye,) = done.prediction["eyes"]
    assert eye["abstain"] is False
    assert "abstain" not in eye["flags"]
    assert "Do not use" not in done.report_path.read_text()


def test_flags_of_the_table_are_those_of_a_patient(of_a_fundus, small_run, other_cohort, tmp_path):
    root = shutil.copytree(other_cohort, tmp_path / "cohort")
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    for view in ("horizontal", "vertical"):
        shutil.copy(of_a_fundus / f"OD_{view}.png", root / table.loc[0, view])
    cohort, predictor = read_cohort(root), Predictor.load(small_run)
    found = predict_eyes(
        predictor, cohort.table, load_scans(cohort, predictor.spec.preprocessing)
    ).set_index("eye_id")
    flags = found.loc[table.loc[0, "eye_id"], "flags"].split(";")
    assert "out_of_distribution" in flags
    assert flags[-1] == "abstain"


def test_a_model_of_an_older_version_still_answers(of_a_fundus, small_run, tmp_path):
    folder = shutil.copytree(small_run / "fold_1/model", tmp_path / "model")
    for name in ("abstention.json", "reference_embeddings.safetensors"):
        (folder / name).unlink()
    old = onnx.load(folder / "model.onnx")
    assert old.graph.output[3].name == "embedding"
    del old.graph.output[3]
    onnx.save(old, folder / "model.onnx")
    seal(folder)
    eye, page = predicted(of_a_fundus, folder, tmp_path / "out")
    # What the reader notes is no matter of the model's version.
    assert eye["abstain_because"] == ["unusable_scan"]
    assert "out_of_distribution" not in eye["flags"]
    assert "does not detect out-of-distribution" in page
    now, _ = predicted(of_a_fundus, small_run / "fold_1/model", tmp_path / "now")
    assert now["postop"] == eye["postop"]
    assert now["interval"] == eye["interval"]


def test_limits_and_embeddings_lie_beside_a_model_and_name_nobody(small_run, small_cohort):
    folder = small_run / "fold_1/model"
    limits = json.loads((folder / "abstention.json").read_text())
    assert limits["n_eyes"] > 0
    assert set(limits["distance_limits"]) <= {"embedding", "scan"}
    written = (folder / "abstention.json").read_bytes()
    written += (folder / "reference_embeddings.safetensors").read_bytes()
    for column in ("eye_id", "patient_id"):
        for name in read_cohort(small_cohort).table[column]:
            assert str(name).encode() not in written
