"""Measures of scans as covariates: into a cohort, a training, a prediction and an evaluation."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

import ctt_net
from ctt_net.biomarkers import Segmenter
from ctt_net.cli import main
from ctt_net.cohort import read_cohort
from ctt_net.errors import InputError
from ctt_net.inference.predict import predict_patient
from ctt_net.measure import measure_cohort
from ctt_net.model_folder.predictor import Predictor

MEASURES = ["central_thickness_um", "ellipsoid_gap_um"]
COLUMNS = [f"{view}_{name}" for view in ("horizontal", "vertical") for name in MEASURES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("measures")


@pytest.fixture(scope="module")
def plain(folder):
    """A cohort without measures, and folds of its own."""
    ctt_net.simulate_cohort(folder / "plain", eyes=20, seed=8)
    folds = pd.read_csv(folder / "plain" / "folds.csv")
    folds["fold"] = folds["fold"].max() + 1 - folds["fold"]
    folds.to_csv(folder / "plain" / "folds.csv", index=False)
    return folder / "plain"


@pytest.fixture(scope="module")
def measured(plain, folder):
    out = folder / "measured"
    arguments = ["measure", str(plain), "--add-to", str(out), "--measures", *MEASURES]
    assert main(arguments) == 0
    return read_cohort(out)


@pytest.fixture(scope="module")
def run(measured, tiny_network, folder, traced_once):
    from ctt_net.training.run import train

    keys = ["--data.cohort", str(measured.root), "--folds", "[1]", "--out", str(folder / "run")]
    keys += ["--data.val_fraction", "0.3"]  # of few patients
    train([*tiny_network, *keys])
    return folder / "run"


@pytest.fixture(scope="module")
def predictor(run):
    return Predictor.load(run)


def test_the_copy_has_the_measures_of_its_scans_and_the_rest_unchanged(plain, measured):
    before = read_cohort(plain)
    assert list(measured.spec.covariates) == [*before.spec.covariates, *COLUMNS]
    one = measured.spec.covariates["vertical_ellipsoid_gap_um"]
    assert (one.kind, one.unit, one.measured_in) == ("numeric", "um", "vertical")
    pd.testing.assert_frame_equal(measured.table[list(before.table)], before.table)
    assert (plain / "folds.csv").read_bytes() == (measured.root / "folds.csv").read_bytes()
    for scan in before.table["horizontal"]:
        if scan:
            assert (plain / scan).read_bytes() == (measured.root / scan).read_bytes()
    some = before.where(before.table.index < 2)
    by_scan = measure_cohort(some, Segmenter.load()).set_index(["eye_id", "view"])
    for _, row in measured.table[:2].iterrows():
        for column in COLUMNS:
            view, _, name = column.partition("_")
            if row[view]:
                expected = by_scan.loc[(row["eye_id"], view), name]
                np.testing.assert_allclose(row[column], expected, rtol=1e-4)
            else:
                assert np.isnan(row[column])


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({}, ["--measures", "hole_size"], "no measure 'hole_size'; choose of fovea_share, hole"),
        ({"devices": None}, [], "hole_minimum_diameter_um needs the size of a pixel; declare the"),
        ({}, ["--axial-um", "2"], "takes the size of a pixel from 'devices' in cohort.yaml"),
    ],
)
def test_what_cannot_be_added_is_refused(change, arguments, message, plain, tmp_path, capsys):
    shutil.copytree(plain, tmp_path / "cohort")
    path = tmp_path / "cohort" / "cohort.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text("utf-8")), **change}), "utf-8")
    add = ["measure", str(tmp_path / "cohort"), "--add-to", str(tmp_path / "new"), *arguments]
    assert main(add) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_the_declared_view_must_be_that_of_the_column(measured):
    declared = measured.spec.to_dict()
    declared["covariates"]["vertical_ellipsoid_gap_um"]["measured_in"] = "horizontal"
    with pytest.raises(InputError, match="must be the view that the column's name begins with"):
        type(measured.spec).parse(declared, "cohort.yaml")


def as_patient(measured, row, folder, **facts):
    folder.mkdir()
    side = row["laterality"]
    known = {"notation": "decimal", "preop_va": {side: row["preop_va"]}, **facts}
    (folder / "patient.yaml").write_text(yaml.safe_dump(known), "utf-8")
    for view in ("horizontal", "vertical"):
        if row[view]:
            shutil.copy(measured.root / row[view], folder / f"{side}_{view}.png")
    return folder


def in_prediction(done):
    [eye] = done.prediction["eyes"]
    return eye, {one["name"]: one["value"] for one in eye["covariates"]}


@pytest.fixture(scope="module")
def row(measured):
    whole = measured.table[(measured.table[["horizontal", "vertical"]] != "").all(axis=1)]
    return whole[whole[COLUMNS].notna().all(axis=1)].iloc[0]


def test_a_patient_is_measured_as_the_cohort_was(predictor, measured, row, tmp_path):
    assert set(COLUMNS) < set(predictor.spec.covariates)
    patient = as_patient(measured, row, tmp_path / "patient", device=row["device"])
    done = predict_patient(patient, predictor, tmp_path / "out")
    eye, values = in_prediction(done)
    assert {name: values[name] for name in COLUMNS} == row[COLUMNS].to_dict()
    assert not [flag for flag in eye["flags"] if "ellipsoid" in flag or "not_measured" in flag]
    assert "svm_measures" not in eye["baselines"]  # the clinical covariates are unknown
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert f"horizontal thickness at the foveal centre {row[COLUMNS[0]]:g} µm" in page


@pytest.mark.parametrize(
    ("facts", "recorded", "note"),
    [
        ({}, None, "the size of a pixel is unknown, so no length was measured"),
        (
            {"scale": {"axial_um_per_px": 3.9, "lateral_um_per_px": 11.0}},
            {"axial_um_per_px": 2.0, "lateral_um_per_px": 11.0},
            "the size of a pixel is another in patient.yaml than in acquisition.yaml",
        ),
    ],
)
def test_without_a_sure_scale_nothing_is_measured(
    facts, recorded, note, predictor, measured, row, tmp_path
):
    patient = as_patient(measured, row, tmp_path / "patient", **facts)
    if recorded:
        (patient / "acquisition.yaml").write_text(yaml.safe_dump(recorded), "utf-8")
    eye, values = in_prediction(predict_patient(patient, predictor, tmp_path / "out"))
    assert [values[name] for name in COLUMNS] == [None] * 4
    assert any(note in text for text in eye["measurement_notes"])
    assert {"not_measured:horizontal", "not_measured:vertical"} <= set(eye["flags"])
    assert np.isfinite(eye["postop"]["logmar"])
    assert note in (tmp_path / "out" / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"covariates": {COLUMNS[0]: 250}}, "is measured in the patient's scan; take it out"),
        ({"device": "Cirus"}, "device 'Cirus' is none of the model's"),
    ],
)
def test_what_a_person_cannot_give_is_refused(facts, message, predictor, measured, row, tmp_path):
    patient = as_patient(measured, row, tmp_path / "patient", **facts)
    with pytest.raises(InputError, match=message):
        predict_patient(patient, predictor)


def test_a_cohort_without_the_measures_is_refused_with_the_command_that_adds_them(
    run, folder, monkeypatch, capsys
):
    ctt_net.simulate_cohort(folder / "held_out", eyes=8, seed=9)
    monkeypatch.chdir(folder)
    evaluate = ["evaluate", str(run), "held_out", "--out", "evaluated"]
    assert main(evaluate) == 2
    said = capsys.readouterr().err
    command = said[said.index("ctt-net measure") :].split()[1:]
    assert main(command) == 0
    evaluate[2] = "held_out_measured"
    assert main(evaluate) == 0
    metrics = json.loads((folder / "evaluated" / "metrics.json").read_text("utf-8"))
    baselines = metrics["baselines"]
    assert metrics["measures"]["mae_difference"]["value"] == pytest.approx(
        baselines["svm_measures"]["mae"]["value"] - baselines["svm"]["mae"]["value"]
    )
    page = (folder / "evaluated" / "report.html").read_text("utf-8")
    assert "the measures change its mean absolute error by" in page
    assert "Preop VA, covariates and measures, support vector machine" in page
