"""The segmenter in the package finds what is known of simulated scans."""

import cv2
import numpy as np
import pytest

from ctt_net.biomarkers import Segmenter, measure
from ctt_net.errors import InputError
from ctt_net.imaging import read_bscan
from ctt_net.synthetic import CIRRUS_LIKE, TOPCON_LIKE, draw_eyes
from ctt_net.synthetic.scan import labelled_scan


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter.load()


@pytest.fixture(scope="module")
def healthy():
    eye = next(eye for eye in draw_eyes(20, seed=5) if not eye.lesions)
    return labelled_scan(eye, CIRRUS_LIKE, "horizontal")


def test_surfaces_of_a_healthy_scan_lie_within_a_pixel(segmenter, healthy):
    image, truth = healthy
    found = segmenter.segment(image)
    for name in ("ilm", "opl", "elm", "ez", "rpe", "bruch"):
        away = np.abs(found.surface(name) - truth.surface(name))[truth.visible]
        assert away.mean() * CIRRUS_LIKE.axial_um_per_px < 5.0, name
    assert not found.lesion("hole").any()


def test_surfaces_never_cross_whatever_the_picture(segmenter):
    noise = np.random.default_rng(0).integers(0, 256, (300, 400), dtype=np.uint8)
    surfaces = segmenter.segment(noise).surfaces
    assert (np.diff(surfaces, axis=0) >= -1e-3).all()


def test_the_mirror_image_has_nearly_the_mirrored_segmentation(segmenter, healthy):
    image, _ = healthy
    found = segmenter.segment(image).mirrored()
    mirrored = segmenter.segment(np.ascontiguousarray(image[:, ::-1]))
    assert np.abs(mirrored.surfaces[:8] - found.surfaces[:8]).mean() < 0.5  # pixels


def test_a_scan_of_twice_the_pixels_has_the_same_measures(segmenter, healthy):
    image, _ = healthy
    large = cv2.resize(image, None, fx=2.0, fy=2.0, interpolation=cv2.INTER_CUBIC)
    name = "central_subfield_thickness_um"
    one = measure(segmenter.segment(image), 4.0, 8.0)[name]
    two = measure(segmenter.segment(large), 2.0, 4.0)[name]
    assert one == pytest.approx(two, abs=2.0)


def test_a_device_look_of_no_training_scan_is_measured(segmenter):
    eye = next(eye for eye in draw_eyes(20, seed=6) if not eye.lesions)
    image, truth = labelled_scan(eye, TOPCON_LIKE, "vertical")
    scale = (TOPCON_LIKE.axial_um_per_px, TOPCON_LIKE.lateral_um_per_px)
    found, known = measure(segmenter.segment(image), *scale), measure(truth, *scale)
    name = "central_subfield_thickness_um"
    assert found[name] == pytest.approx(known[name], abs=8.0)


def test_holes_of_real_eyes_are_found(segmenter, real_data):
    scans = sorted(real_data.glob("chu_quebec_macular_hole/val/octs/*.tiff"))
    found = [measure(segmenter.segment(read_bscan(path).pixels))["hole"] for path in scans]
    assert len(scans) == 21
    assert sum(found) >= 20


def test_a_picture_that_is_not_grey_is_refused(segmenter):
    with pytest.raises(ValueError, match=r"uint8, got uint8 \(5, 5, 3\)"):
        segmenter.segment(np.zeros((5, 5, 3), np.uint8))


def test_a_folder_without_a_network_is_refused_with_the_fix(tmp_path):
    with pytest.raises(InputError, match="no such file; train one"):
        Segmenter.load(tmp_path)
