"""One way from scans to an answer, and what scans and values say against themselves."""

import json
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml

from ctt_net.cli import main
from ctt_net.cohort import read_cohort
from ctt_net.data.scans import load_scans
from ctt_net.errors import InputError
from ctt_net.imaging import read_bscan
from ctt_net.inference.evaluate import evaluate_model
from ctt_net.inference.patient import read_patient
from ctt_net.inference.patient_cohort import patient_cohort
from ctt_net.inference.patient_report import render_report
from ctt_net.inference.predict import predict_patient
from ctt_net.model_folder.digests import seal
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.table import predict_eyes
from tests.uncertainty.no_oct import fundus

COVARIATES = ("age_years", "sex", "axial_length_mm", "diabetes")


@pytest.fixture(scope="module")
def predictor(small_run):
    return Predictor.load(small_run)


@pytest.fixture(scope="module")
def cohort(other_cohort):
    return read_cohort(other_cohort)


def as_patient(cohort, rows, folder, **facts):
    """The folder that a clinic would make of some eyes."""
    folder.mkdir()
    given = {"patient_id": rows.iloc[0]["patient_id"], "notation": "decimal", **facts}
    given.setdefault("preop_va", {row["laterality"]: row["preop_va"] for _, row in rows.iterrows()})
    given.setdefault("covariates", {
        name: {row["laterality"]: row[name] for _, row in rows.iterrows() if pd.notna(row[name])}
        for name in COVARIATES
    })  # fmt: skip
    (folder / "patient.yaml").write_text(yaml.safe_dump(given))
    for _, row in rows.iterrows():
        for view in ("horizontal", "vertical"):
            if row[view]:
                shutil.copy(cohort.root / row[view], folder / f"{row['laterality']}_{view}.png")
    return folder


@pytest.fixture
def patient(cohort, tmp_path):
    return as_patient(cohort, cohort.table.iloc[[0]], tmp_path / "patient")


def first(done):
    return done.prediction["eyes"][0]


def scans_of(done, folder):
    views = [view for view in first(done)["views"] if view["present"]]
    return [{view["name"]: read_bscan(folder / view["file"]) for view in views}]


@pytest.mark.slow
def test_a_patient_and_a_cohort_of_the_same_eyes_get_the_same(predictor, cohort, tmp_path):
    counts = cohort.table["patient_id"].value_counts()
    # Patients of both eyes, one with a view left out, and some of one eye.
    for number, patient_id in enumerate(counts.index[:6]):
        some = cohort.where(cohort.table["patient_id"] == patient_id)
        if number == 0:
            some.table.loc[0, "vertical"] = ""
        spec = predictor.spec
        expected = predict_eyes(predictor, some.table, load_scans(some, spec.preprocessing))
        folder = as_patient(cohort, some.table, tmp_path / patient_id)
        read = read_patient(folder, spec.views, spec.off_chart_policy)
        ours = patient_cohort(read, folder, spec, predictor.covariates)
        found = predict_eyes(predictor, ours.table, load_scans(ours, spec.preprocessing))
        told = [column for column in expected if column not in ("eye_id", "postop_logmar")]
        order = [list(ours.table["laterality"]).index(eye) for eye in some.table["laterality"]]
        found = found.iloc[order].reset_index(drop=True)
        pd.testing.assert_frame_equal(
            found[told].replace("", "none"), expected[told].replace("", "none"), check_exact=True
        )
        written = predict_patient(folder, predictor, tmp_path / f"out_{patient_id}").prediction
        for eye, (_, row) in zip(
            [written["eyes"][i] for i in order], found.iterrows(), strict=True
        ):
            assert eye["postop"]["logmar"] == round(row["predicted_logmar"], 4)
            assert eye["interval"]["lower_logmar"] == round(row["lower_logmar"], 4)
            assert ";".join(eye["flags"]) == row["flags"]
            assert eye["abstain"] == ("abstain" in eye["flags"])


def marked_eye(cohort):
    """The first eye whose horizontal scan bears a mark that is read."""
    for _, row in cohort.table.iterrows():
        if row["vertical"] and row["horizontal"]:
            scan = read_bscan(cohort.root / row["horizontal"])
            if scan.ends in ("TN", "NT") and read_bscan(cohort.root / row["vertical"]).ends:
                return row
    raise AssertionError("no simulated eye bears a mark")


def test_a_mark_of_the_other_eye_or_view_is_a_reason_not_to_answer(predictor, cohort, tmp_path):
    row = marked_eye(cohort)
    other = {"OD": "OS", "OS": "OD"}[row["laterality"]]
    rows = cohort.table[cohort.table["eye_id"] == row["eye_id"]]
    right = as_patient(cohort, rows, tmp_path / "right")
    named = {"other_view", "other_eye", "disc_side"}
    eye = first(predict_patient(right, predictor, tmp_path / "o1"))
    assert not named & set(eye["flags"])

    wrong_eye = as_patient(cohort, rows.assign(laterality=other), tmp_path / "wrong_eye")
    eye = first(predict_patient(wrong_eye, predictor, tmp_path / "o2"))
    assert "other_eye" in eye["abstain_because"]
    assert "disc_side" in eye["flags"]
    assert "names the other eye" in eye["reason"]

    exchanged = rows.assign(horizontal=rows["vertical"], vertical=rows["horizontal"])
    folder = as_patient(cohort, exchanged, tmp_path / "exchanged")
    eye = first(predict_patient(folder, predictor, tmp_path / "o3"))
    assert "other_view" in eye["abstain_because"]
    page = (tmp_path / "o3/report.html").read_text()
    assert page.index("names another view") < page.index('class="answer"')


def test_what_scans_say_against_themselves_counts_in_an_evaluation(small_run, cohort, tmp_path):
    root = shutil.copytree(cohort.root, tmp_path / "cohort")
    row = marked_eye(cohort)
    table = pd.read_csv(root / "manifest.csv", dtype=str, keep_default_na=False)
    at = table["eye_id"] == row["eye_id"]
    table.loc[at, ["horizontal", "vertical"]] = table.loc[at, ["vertical", "horizontal"]].to_numpy()
    table.to_csv(root / "manifest.csv", index=False)
    strange = table.loc[~at & (table["horizontal"] != "")].iloc[0]
    cv2.imwrite(str(root / strange["horizontal"]), fundus(np.random.default_rng(0)))
    metrics = evaluate_model(small_run, root, tmp_path / "out").metrics
    said = " ".join(metrics["warnings"])
    assert "names another view; they have the flag other_view" in said
    assert "flag unusable_scan" in said
    flags = pd.read_csv(tmp_path / "out/predictions.csv").set_index("eye_id")["flags"]
    assert {"other_view", "abstain"} <= set(flags[row["eye_id"]].split(";"))
    assert {"unusable_scan", "abstain"} <= set(flags[strange["eye_id"]].split(";"))


def test_a_mirrored_scan_is_flagged_by_its_disc(predictor, cohort, tmp_path):
    rows = cohort.table[cohort.table["horizontal"] != ""].iloc[[0]].assign(vertical="")
    folder = as_patient(cohort, rows, tmp_path / "p")
    assert "disc_side" not in first(predict_patient(folder, predictor, tmp_path / "o"))["flags"]
    (file,) = folder.glob("*.png")
    # As read: marks and writing, which would contradict too, are filled.
    cv2.imwrite(str(file), read_bscan(file).pixels[:, ::-1])
    eye = first(predict_patient(folder, predictor, tmp_path / "mirrored"))
    assert "disc_side" in eye["flags"]
    assert "optic disc lies at the other end" in eye["reason"]


def pictures():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:400, :600]
    spots = [
        rng.uniform(0, 120, 3) * np.exp(-(((y - cy) / 1.6) ** 2 + (x - cx) ** 2) / r**2)[..., None]
        for cy, cx, r in rng.integers([0, 0, 20], [400, 600, 120], (40, 3))
    ]
    return {
        "photograph": np.clip(sum(spots), 0, 255).astype(np.uint8),
        "fundus": fundus(rng),
        "noise": rng.integers(0, 256, (496, 768)).astype(np.uint8),
        "black": np.zeros((400, 600), np.uint8),
        "even": np.full((400, 600, 3), (10, 120, 200), np.uint8),
        "tiny": rng.integers(0, 256, (8, 8)).astype(np.uint8),
    }


@pytest.mark.parametrize("name", list(pictures()))
def test_what_is_no_bscan_is_never_answered_by_a_model_without_limits(
    name, small_run, patient, tmp_path
):
    model = shutil.copytree(small_run / "fold_1/model", tmp_path / "model")
    limits = json.loads((model / "abstention.json").read_text())
    (model / "abstention.json").write_text(json.dumps({**limits, "distance_limits": {}}))
    seal(model)
    cv2.imwrite(str(next(patient.glob("*.png"))), pictures()[name])
    if name in ("black", "even", "tiny"):
        with pytest.raises(InputError, match=r"patient: 1 scan cannot be read\n  O[DS] \w+: O"):
            predict_patient(patient, model, tmp_path / "out")
        assert not (tmp_path / "out").exists()
        return
    done = predict_patient(patient, model, tmp_path / "out")
    assert first(done)["abstain_because"][0] == "unusable_scan"
    assert "does not detect out-of-distribution" in done.prediction["model"]["warnings"][-1]
    assert "does not detect out-of-distribution" in done.report_path.read_text()


@pytest.mark.parametrize(
    ("covariates", "said"),
    [
        ("{age_years: 1.0e+300}", "covariates.age_years: 1e+300 is no possible age"),
        ("{age_years: -5}", "covariates.age_years: -5 is no possible age"),
        ("{age_years: 700}", "700 is no possible age"),
        ("{age_years: true}", "age_years: True is no number"),
        ("{axial_length_mm: 233.3}", "233.3 is no possible axial length (15 to 40 mm)"),
        ("{diabetes: 2}", "diabetes: 2 is not 0 (no) or 1 (yes)"),
        ("{diabetes: 'yes'}", "diabetes: 'yes' is not 0 (no) or 1 (yes)"),
        ("{sex: X}", "'X' is none of the levels"),
        ("{age_year: 70}", "unknown key 'age_year'; did you mean 'age_years'?"),
        ("{age_years: {left: 70}}", "covariates.age_years: unknown key 'left'"),
    ],
)
def test_a_value_that_cannot_be_is_refused(predictor, patient, tmp_path, covariates, said):
    facts = yaml.safe_load((patient / "patient.yaml").read_text())
    facts["covariates"] = yaml.safe_load(covariates)
    (patient / "patient.yaml").write_text(yaml.safe_dump(facts))
    with pytest.raises(InputError) as caught:
        predict_patient(patient, predictor, tmp_path / "out")
    assert said in str(caught.value)
    assert str(patient / "patient.yaml") in str(caught.value)


def test_a_level_means_the_same_in_patient_yaml_as_in_a_cohort(predictor, patient, tmp_path):
    level = predictor.spec.covariates["sex"].levels[0]
    facts = yaml.safe_load((patient / "patient.yaml").read_text())
    facts["covariates"] = {"sex": f" {level.swapcase()} "}
    (patient / "patient.yaml").write_text(yaml.safe_dump(facts))
    done = predict_patient(patient, predictor, tmp_path / "out")
    told = {one["name"]: one["value"] for one in first(done)["covariates"]}
    assert told["sex"] == level


def test_values_of_no_training_eye_are_flagged_and_said_once(small_run, cohort, tmp_path):
    predictor = Predictor.load(small_run)
    low, high = predictor.covariate_ranges["age_years"]
    assert 18 < low < high < 105
    assert not set(predictor.covariate_ranges) & {"sex", "diabetes"}
    folder = as_patient(
        cohort, cohort.table.iloc[[0]], tmp_path / "p", covariates={"age_years": 118}
    )
    done = predict_patient(folder, predictor, tmp_path / "o")
    assert "outside_training:age_years" in first(done)["flags"]
    assert "age_years lies outside the range of the training" in first(done)["reason"]
    assert "not given: sex, axial_length_mm, diabetes" in first(done)["reason"]
    page = done.report_path.read_text()
    assert f"age 118 years (training: {low:g} to {high:g})" in page
    assert "<dt>Not given</dt><dd>sex, axial length, diabetes</dd>" in page
    assert "age_years" not in page

    root = shutil.copytree(cohort.root, tmp_path / "cohort")
    text = (root / "cohort.yaml").read_text()
    levels = predictor.spec.covariates["sex"].levels
    declared = yaml.safe_load(text)
    declared["covariates"]["sex"]["levels"] = ["1", "2"]
    (root / "cohort.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))
    table = pd.read_csv(root / "manifest.csv", dtype=str, keep_default_na=False)
    table["sex"] = ["1", "2"] * 10
    table.loc[3, "age_years"] = "118"
    table.to_csv(root / "manifest.csv", index=False)
    metrics = evaluate_model(small_run, root, tmp_path / "e").metrics
    (unseen,) = [one for one in metrics["warnings"] if "unseen_level" in one]
    assert "20 of 20 eyes: sex has a value" in unseen
    assert f"here 1, 2; in training {', '.join(levels)}" in unseen
    (outside,) = [one for one in metrics["warnings"] if "outside_training" in one]
    n = int((~table["age_years"].astype(float).between(low, high)).sum())
    assert (
        f"{n} of 20 eyes: age_years lies outside the range of the training ({low:g} to" in outside
    )
    assert "unseen_level:sex" in (tmp_path / "e/report.html").read_text()


def test_a_model_folder_without_ranges_flags_none(small_run, patient, tmp_path):
    model = shutil.copytree(small_run / "fold_1/model", tmp_path / "model")
    spec = yaml.safe_load((model / "model.yaml").read_text())
    del spec["covariate_ranges"]
    (model / "model.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    seal(model)
    assert Predictor.load(model).covariate_ranges == {}
    done = predict_patient(patient, model, tmp_path / "out")
    assert not any(flag.startswith("outside_training") for flag in first(done)["flags"])


def test_an_eye_of_the_training_is_not_called_unlike_it(small_run, small_cohort, tmp_path):
    predictor, trained = Predictor.load(small_run), read_cohort(small_cohort)
    trained = trained.where(trained.table.index < 16)
    scans = load_scans(trained, predictor.spec.preprocessing)
    flags = predict_eyes(predictor, trained.table, scans)["flags"].str.split(";").map(set)
    assert flags.map(lambda these: "train_test_overlap" in these).all()
    assert not flags.map(lambda these: "out_of_distribution" in these).any()


def test_another_prediction_is_replaced_only_when_told_to(small_run, patient, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["predict", str(patient), "--model", str(small_run), "--out", str(out)]
    assert main(arguments) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    facts = yaml.safe_load((patient / "patient.yaml").read_text())
    (patient / "patient.yaml").write_text(yaml.safe_dump({**facts, "patient_id": "someone-else"}))
    assert main(arguments) == 2
    assert "prediction.json is there already" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert main([*arguments, "--overwrite"]) == 0
    for name in ("prediction.json", "report.html"):
        assert "someone-else" in (out / name).read_text()
        assert facts["patient_id"] not in (out / name).read_text()


def test_the_report_of_an_evaluation_is_not_overwritten(small_run, patient, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/report.html").write_text("an evaluation")
    with pytest.raises(InputError, match=r"report\.html is there already"):
        predict_patient(patient, small_run, tmp_path / "out")
    assert (tmp_path / "out/report.html").read_text() == "an evaluation"


def test_acuities_and_probabilities_are_printed_as_people_read_them(predictor, cohort, tmp_path):
    rows = cohort.table.iloc[[0]]
    folder = as_patient(cohort, rows, tmp_path / "p", preop_va={rows.iloc[0]["laterality"]: "CF"})
    done = predict_patient(folder, predictor, tmp_path / "o")
    preop, postop = first(done)["preop"], first(done)["postop"]
    assert (preop["snellen_20ft"], preop["snellen_6m"], preop["etdrs_letters"]) == (
        "CF",
        "CF",
        None,
    )
    assert preop["logmar"] == 1.9
    page = done.report_path.read_text()
    assert "20/1600" not in page
    assert "now CF (counting fingers)." in page
    assert f"{postop['snellen_20ft']} ({postop['etdrs_letters']} letters)" in page
    first(done)["p_recovery"] = {"reaches_0.30": 0.9999, "gains_0.20": 0.0001}
    page = render_report(done.prediction, scans_of(done, folder))
    assert "more than 99 of 100 such eyes" in page
    assert "fewer than 1 of 100 such eyes" in page
    assert "100 of 100" not in page


def test_an_eye_that_is_not_answered_is_grey(predictor, patient, tmp_path):
    done = predict_patient(patient, predictor, tmp_path / "o")
    eye, scans = first(done), scans_of(done, patient)
    for because, kind in (([], "eye"), (["wide_interval"], "eye doubtful")):
        eye["abstain_because"] = because
        assert f'<article class="{kind}" id=' in render_report(done.prediction, scans)
