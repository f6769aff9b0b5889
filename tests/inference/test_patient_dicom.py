"""DICOM files in a patient's folder: cut, and contradictions refused."""

import json
from functools import cache

import numpy as np
import pytest

from ctt_net.cohort import View
from ctt_net.devices import cut_foveal_sections, read_acquisition
from ctt_net.errors import InputError
from ctt_net.imaging import read_bscan
from ctt_net.imaging.encode import png
from ctt_net.inference.patient import read_patient
from ctt_net.inference.patient_dicom import without_dicom
from ctt_net.measure.sources import recorded_scale
from tests.devices.conftest import NUMBER, make_volume, write_dicom

pytest.importorskip("pydicom", reason="the extra formats or dicom is not installed")

VIEWS = {"horizontal": View(), "vertical": View(direction="vertical", angle_deg=90.0)}
UIDS = {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.3"}


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "patient_7"
    place.mkdir()
    (place / "patient.yaml").write_text("notation: decimal\npreop_va: {OD: 0.5}\n")
    return place


@cache
def volume():
    return make_volume()


def read(folder, **given):
    with without_dicom(folder, VIEWS) as cut:
        patient = read_patient(cut.folder, VIEWS, "lange", **given)
        scans = {(eye.laterality, view): read_bscan(path).pixels
                 for eye in patient.eyes for view, path in eye.scans.items()}  # fmt: skip
        scales = {recorded_scale(path.parent, cut.folder)
                  for eye in patient.eyes for path in eye.scans.values()}  # fmt: skip
        return patient, scans, scales, cut


def test_a_volume_gives_eye_views_and_scale(folder):
    write_dicom(folder / "cube.dcm", volume(), **UIDS)
    patient, scans, scales, cut = read(folder)
    wanted = cut_foveal_sections(read_acquisition(folder / "cube.dcm")).sections
    assert set(scans) == {("OD", view) for view in wanted}
    assert "horizontal" in wanted
    assert all(np.array_equal(scans["OD", view], wanted[view]) for view in wanted)
    (scale,) = scales
    assert scale == pytest.approx((3.9, 12.0))
    assert patient.patient_id == NUMBER
    assert not cut.folder.exists()


def test_the_prediction_names_the_file_and_its_instance(folder):
    write_dicom(folder / "cube.dcm", volume(), **UIDS)
    cut = read(folder)[3]
    view = {"name": "horizontal", "file": "x.png", "sha256": "0", "notes": ["one"]}
    prediction = {"eyes": [{"laterality": "OD", "views": [view]}]}
    cut.name_sources(prediction)
    assert view["file"] == "cube.dcm"
    assert view["dicom"]["study_instance_uid"] == "1.2"
    assert view["dicom"]["sop_instance_uid"] == "1.2.3.4"
    assert view["notes"][-1] == "one"
    assert "Erika" not in json.dumps(prediction)


def test_single_frames_are_named_by_eye_and_view_where_no_tag_says_the_direction(folder):
    line = volume()[:1]
    for view in VIEWS:
        path = folder / f"OD_{view}.dcm"
        write_dicom(
            path, line + (view == "vertical"), PerFrameFunctionalGroupsSequence=None, **UIDS
        )
    assert set(read(folder)[1]) == {("OD", "horizontal"), ("OD", "vertical")}
    (folder / "OD_vertical.dcm").rename(folder / "second.dcm")
    with pytest.raises(InputError, match=r"second\.dcm: a single B-scan.*files"):
        read(folder)
    facts = "notation: decimal\npreop_va: {OD: 0.5}\nfiles: {OD: {vertical: second.dcm}}\n"
    (folder / "patient.yaml").write_text(facts)
    assert set(read(folder)[1]) == {("OD", "vertical")}


def test_pictures_beside_dicom_files_are_taken_too(folder):
    write_dicom(folder / "OD_horizontal.dcm", volume()[:1], **UIDS)
    (folder / "OD_vertical.png").write_bytes(png(volume()[1]))
    assert set(read(folder)[1]) == {("OD", "horizontal"), ("OD", "vertical")}
    (folder / "OD_horizontal.png").write_bytes(png(volume()[1]))
    with pytest.raises(InputError, match=r"OD_horizontal\.png are both the horizontal view of OD"):
        read(folder)


def test_contradictions_are_refused(folder):
    write_dicom(folder / "OS_horizontal.dcm", volume(), **UIDS)  # its tags say R
    with pytest.raises(InputError, match=r"tags say OD, but its name .* says OS"):
        read(folder)
    (folder / "OS_horizontal.dcm").rename(folder / "a.dcm")
    (folder / "patient.yaml").write_text("patient_id: other\nnotation: decimal\npreop_va: {OD: 1}")
    with pytest.raises(InputError, match="patient_id is another than in the tags") as refused:
        read(folder)
    assert NUMBER not in str(refused.value)
    (folder / "patient.yaml").write_text("notation: decimal\npreop_va: {OD: 1}")
    write_dicom(folder / "b.dcm", volume(), frame_eye="L", PatientID="77", **UIDS)
    with pytest.raises(InputError, match="several patients by their tags"):
        read(folder)


def test_an_eye_that_nothing_names_and_a_post_operative_name_are_refused(folder):
    write_dicom(folder / "a.dcm", volume(), frame_eye=None, **UIDS)
    with pytest.raises(InputError, match=r"a\.dcm: neither its tags nor its name say the eye"):
        read(folder)
    (folder / "a.dcm").rename(folder / "OD_postop.dcm")
    with pytest.raises(InputError, match="after surgery"):
        read(folder)


def test_messages_name_the_folder_that_was_given(folder):
    write_dicom(folder / "a.dcm", volume(), **UIDS)
    (folder / "patient.yaml").write_text("notation: decimal\n")
    with pytest.raises(InputError) as refused:
        read(folder)
    assert str(folder) in str(refused.value)


def test_a_folder_without_dicom_is_itself(folder):
    with without_dicom(folder, VIEWS) as cut:
        assert cut.folder == folder
