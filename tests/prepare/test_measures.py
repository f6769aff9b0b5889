"""`measures` of a mapping: columns of the manifest, measured in the scans that were copied."""

import cv2
import numpy as np
import pytest

from ctt_net.biomarkers import Segmenter, measure
from ctt_net.cohort import read_cohort
from ctt_net.imaging import read_bscan
from ctt_net.synthetic import CIRRUS_LIKE
from ctt_net.synthetic.population import draw_patient
from ctt_net.synthetic.scan import labelled_scan

SCALE = {"axial_um_per_px": 2.0, "lateral_um_per_px": 12.0}


@pytest.fixture
def clinic(raw):
    """Three eyes, of which one has a scan of a macula and one a scan in which no retina is."""
    scan, _ = labelled_scan(draw_patient("p", (5, 1))[0], CIRRUS_LIKE, "horizontal")
    (raw.folder / "exports").mkdir()
    cv2.imwrite(str(raw.folder / "exports" / "00017_R_h.png"), scan)
    raw.export("00018_R_h.png")
    raw.scans("{patient_id}_{laterality}_{view}.png", laterality={"OD": ["R"], "OS": ["L"]})
    raw.say("cohort", devices={"Cirrus": SCALE})
    return raw


def test_measures_are_written_and_declared(clinic):
    clinic.sections["measures"] = ["central_thickness_um", "hole"]
    clinic.prepare()
    cohort = read_cohort(clinic.out)
    assert cohort.spec.to_dict()["covariates"]["horizontal_central_thickness_um"] == {
        "kind": "numeric", "unit": "um", "range": [0.0, 1500.0], "measured_in": "horizontal",
    }  # fmt: skip
    assert cohort.spec.covariates["horizontal_hole"].kind == "binary"
    table = cohort.table.set_index("eye_id")
    scan = read_bscan(clinic.out / table.loc["00017_OD", "horizontal"]).pixels
    expected = measure(Segmenter.load().segment(scan), *SCALE.values())["central_thickness_um"]
    assert 100 < expected < 500
    found = table["horizontal_central_thickness_um"]
    np.testing.assert_allclose(found["00017_OD"], expected, rtol=1e-4)
    assert found[["00017_OS"]].isna().all()
    assert table["vertical_hole"].isna().all()


def test_the_default_leaves_out_what_no_eye_has(clinic):
    clinic.sections["measures"] = "default"
    done = clinic.prepare()
    names = list(done.cohort.spec.covariates)
    assert "horizontal_cyst_area_mm2" in names
    assert not [name for name in names if name.startswith("vertical_") or "_hole_" in name]


def test_lengths_need_the_size_of_a_pixel(clinic):
    clinic.say("cohort", devices=None)
    clinic.sections["measures"] = "default"
    clinic.fails("hole_minimum_diameter_um needs the size of a pixel; declare the device, such as")


def test_measures_without_scans_are_refused(raw):
    raw.sections["measures"] = ["hole"]
    raw.fails("measures needs scans, but there is no scans section")
