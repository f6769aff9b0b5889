"""DICOM and FHIR of a prediction: valid by others' validators, and no name in them."""

import copy
import json
import re
import shutil
import subprocess

import pytest

from ctt_net import INTENDED_USE
from ctt_net.cli.main import main
from ctt_net.errors import InputError
from ctt_net.export.fhir import fhir_bundle
from ctt_net.export.formats import exports_of

pytest.importorskip("highdicom", reason="the extra dicom is not installed")
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

SOURCE = {
    "sop_class_uid": "1.2.840.10008.5.1.4.1.1.77.1.5.4",
    "sop_instance_uid": "1.2.3.4",
    "series_instance_uid": "1.2.3",
    "study_instance_uid": "1.2",
}


@pytest.fixture(scope="module")
def example(repository):
    """The prediction.json of the documentation, of one eye."""
    page = (repository / "docs/reference/prediction_json.md").read_text("utf-8")
    blocks = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    return next(one for one in map(json.loads, blocks) if "patient_id" in one and "eyes" in one)


@pytest.fixture
def prediction(example):
    """An eye that is predicted, with a measure, and one on which the model abstains."""
    made = copy.deepcopy(example)
    first = made["eyes"][0]
    second = copy.deepcopy(first)
    first["covariates"].append(
        {"name": "horizontal_mh_size_um", "kind": "numeric", "value": 412.5, "unit": "um",
         "measured_in": "horizontal", "training_range": [100.0, 900.0]}
    )  # fmt: skip
    second |= {"laterality": "OS", "abstain": True, "abstain_because": ["unusable_scan"]}
    second |= {"preop": None, "reason": "A scan of this eye is no B-scan — 眼."}
    made["eyes"] = [first, second]
    return made


def made(prediction, name):
    (make,) = exports_of([name]).values()
    return make(prediction)


def numbers(dataset):
    """Concept meaning and value of every number in a report's tree."""
    found = []
    for item in dataset.get("ContentSequence", ()):
        if item.ValueType == "NUM":
            value = item.MeasuredValueSequence[0]
            unit = value.MeasurementUnitsCodeSequence[0].CodeValue
            name = item.ConceptNameCodeSequence[0].CodeMeaning
            found.append((name, float(value.NumericValue), unit))
        found += numbers(item)
    return found


def texts(dataset):
    found = []
    for item in dataset.get("ContentSequence", ()):
        found += [item.TextValue] if item.ValueType == "TEXT" else []
        found += texts(item)
    return found


@pytest.mark.parametrize("of_dicom", [False, True])
@pytest.mark.parametrize("name", ["dicom-sr", "dicom-sc"])
def test_dciodvfy_finds_no_error(prediction, tmp_path, name, of_dicom):
    if shutil.which("dciodvfy") is None:
        pytest.skip("no dciodvfy here (Debian: apt-get install dicom3tools)")
    if of_dicom:
        prediction["eyes"][0]["views"][0]["dicom"] = SOURCE
    (tmp_path / "made.dcm").write_bytes(made(prediction, name))
    run = subprocess.run(
        ["dciodvfy", str(tmp_path / "made.dcm")], capture_output=True, text=True, check=False
    )
    said = run.stdout + run.stderr
    assert {"dicom-sr": "ComprehensiveSR", "dicom-sc": "SCImage"}[name] in said
    assert "Error" not in said, said


def test_the_report_holds_the_numbers_of_the_eye_predicted_and_none_of_the_other(prediction):
    report = dcmread(DicomBytesIO(made(prediction, "dicom-sr")))
    eye = prediction["eyes"][0]
    before, after, interval = eye["preop"], eye["postop"], eye["interval"]
    acuities = [number for number in numbers(report) if number[0] == "Best Corrected Visual Acuity"]
    assert [value for _, value, _ in acuities] == pytest.approx(
        [before["logmar"], after["logmar"]], abs=1e-6
    )
    assert {unit for *_, unit in acuities} == {"{logMAR}"}
    by_name = {name: value for name, value, _ in numbers(report)}
    assert by_name["90% prediction interval, lower end"] == pytest.approx(interval["lower_logmar"])
    assert by_name["90% prediction interval, upper end"] == pytest.approx(interval["upper_logmar"])
    uncertainty = by_name["+, range of upper measurement uncertainty"]
    assert after["logmar"] + uncertainty == pytest.approx(interval["upper_logmar"], abs=1e-4)
    assert ("horizontal_mh_size_um", 412.5, "um") in numbers(report)
    of_details = prediction["details"][0]["measures"]
    assert of_details
    for one in of_details:
        assert by_name[f"{one['view']}_{one['name']}"] == pytest.approx(one["value"])
    assert INTENDED_USE in texts(report)
    assert prediction["eyes"][1]["reason"] in texts(report)
    assert report.VerificationFlag == "UNVERIFIED"


def test_the_report_references_the_dicom_that_the_scans_came_from(prediction):
    from highdicom import sr

    assert "CurrentRequestedProcedureEvidenceSequence" not in dcmread(
        DicomBytesIO(made(prediction, "dicom-sr"))
    )
    prediction["eyes"][0]["views"][0]["dicom"] = SOURCE
    report = dcmread(DicomBytesIO(made(prediction, "dicom-sr")))
    assert report.StudyInstanceUID == "1.2"
    series = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == "1.2.3"
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.4"
    tree = sr.ComprehensiveSR.from_dataset(report).content
    groups = tree.get_image_measurement_groups()
    assert [group.source_images[0].referenced_sop_instance_uid for group in groups
            if group.source_images] == ["1.2.3.4"]  # fmt: skip


def test_no_name_and_the_id_as_given(prediction):
    for name in ("dicom-sr", "dicom-sc"):
        dataset = dcmread(DicomBytesIO(made(prediction, name)))
        assert dataset.PatientID == prediction["patient_id"]
        assert not dataset.PatientName
        assert not dataset.PatientBirthDate
        assert not [item for item in dataset.iterall() if item.VR == "PN" and item.value]
    bundle = fhir_bundle(prediction)
    (patient,) = [one["resource"] for one in bundle["entry"]
                  if one["resource"]["resourceType"] == "Patient"]  # fmt: skip
    assert patient == {
        "resourceType": "Patient",
        "identifier": [{"value": prediction["patient_id"]}],
    }


def test_the_same_prediction_has_the_same_ids_and_another_has_others(prediction):
    def uids(one):
        sr, sc = (dcmread(DicomBytesIO(made(one, name))) for name in ("dicom-sr", "dicom-sc"))
        return sr.SOPInstanceUID, sc.SOPInstanceUID, sr.SeriesInstanceUID, sr.StudyInstanceUID

    first = uids(prediction)
    assert first == uids(copy.deepcopy(prediction))
    assert len(set(first)) == 4
    assert all(one.startswith("2.25.") and one.is_valid for one in first)
    prediction["eyes"][0]["postop"]["logmar"] += 0.01
    assert not set(first[:3]) & set(uids(prediction))
    assert first[3] == uids(prediction)[3]  # the study is that of patient and scans
    assert fhir_bundle(prediction) == fhir_bundle(copy.deepcopy(prediction))


def test_the_page_is_a_picture_that_says_what_it_is_for(prediction):
    page = dcmread(DicomBytesIO(made(prediction, "dicom-sc")))
    assert page.pixel_array.shape == (page.Rows, page.Columns, 3)
    assert (page.pixel_array < 100).mean() > 0.002  # something is written on it
    assert page.BurnedInAnnotation == "YES"
    assert "Research use only" in page.SeriesDescription


def test_fhir_is_valid_and_labelled(prediction):
    resources = pytest.importorskip("fhir.resources.R4B.bundle", reason="fhir.resources is needed")
    bundle = json.loads(made(prediction, "fhir"))
    resources.Bundle.model_validate(bundle)
    by_kind = {}
    for entry in bundle["entry"]:
        by_kind.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    before, after, abstained = by_kind["Observation"]
    eye = prediction["eyes"][0]
    assert before["valueQuantity"]["value"] == eye["preop"]["logmar"]
    value = after["valueQuantity"]
    assert value["value"] == eye["postop"]["logmar"]
    assert (value["system"], value["code"]) == ("http://unitsofmeasure.org", "{logMAR}")
    assert {code["code"] for code in after["code"]["coding"]} == {"251739003", "419775003"}
    assert after["meta"]["security"][0]["code"] == "AIAST"
    assert "meta" not in before
    assert "valueQuantity" not in abstained
    assert "component" not in abstained
    assert abstained["dataAbsentReason"]["text"] == prediction["eyes"][1]["reason"]
    assert all({"text": INTENDED_USE} in one["note"] for one in (after, abstained))
    (provenance,) = by_kind["Provenance"]
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    assert {target["reference"] for target in provenance["target"]} < urls
    assert provenance["recorded"] == prediction["provenance"]["time"]


def test_an_unknown_format_and_a_missing_package_are_named(monkeypatch):
    with pytest.raises(InputError, match=r"'dicom_sr'.*is it 'dicom-sr'"):
        exports_of(["json", "dicom_sr"])
    monkeypatch.setattr("ctt_net.export.formats.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"highdicom.*\[dicom\]"):
        exports_of(["dicom-sr"])
    assert list(exports_of(["fhir"])) == ["prediction.fhir.json"]


def test_the_command_writes_them_and_leaves_none_of_an_earlier_prediction(
    small_run, patient, tmp_path, capsys
):
    out = tmp_path / "out"
    command = ["predict", str(patient), "--model", str(small_run), "--out", str(out)]
    assert main([*command, "--format", "json, fhir,dicom-sr"]) == 0
    assert f"written: {out / 'prediction.fhir.json'}" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {
        "prediction.json", "report.html", "prediction.fhir.json", "prediction_sr.dcm"
    }  # fmt: skip
    written = json.loads((out / "prediction.json").read_text("utf-8"))
    assert json.loads((out / "prediction.fhir.json").read_text("utf-8")) == fhir_bundle(written)
    assert main([*command, "--overwrite", "--format", "json,dicom-sc"]) == 0
    assert {path.name for path in out.iterdir()} == {
        "prediction.json", "report.html", "report_sc.dcm"
    }  # fmt: skip
    assert main([*command, "--overwrite", "--format", "pdf"]) == 2
    assert "--format 'pdf': choose of json" in capsys.readouterr().err
