"""Values of the network's picture come back to where they were in the scan."""

import cv2
import numpy as np
import pytest

from ctt_net.imaging import Preprocessing, find_retina
from ctt_net.imaging.preprocessing import crop_rows
from ctt_net.synthetic.device import DEVICES
from ctt_net.synthetic.population import draw_eyes
from ctt_net.synthetic.scan import labelled_scan


@pytest.fixture(scope="module")
def scan():
    eye = next(one for one in draw_eyes(9, seed=3) if one.laterality == "OS")
    return labelled_scan(eye, DEVICES[0], "horizontal")


@pytest.mark.parametrize("crop", ["none", "retina", "flat"])
@pytest.mark.parametrize("laterality", ["OD", "OS"])
def test_a_prepared_picture_comes_back_to_its_scan(scan, crop, laterality):
    pixels = scan[0]
    preprocessing = Preprocessing(96, 144, crop)
    small = preprocessing(pixels, laterality, "horizontal")
    back = preprocessing.to_scan(small, pixels, laterality, "horizontal")
    assert back.shape == pixels.shape
    inside = np.isfinite(back)
    assert inside.any(axis=0).all()
    if crop == "none":
        assert inside.all()
    # What is left after both ways is the scan without its finest detail; a wrong row or column
    # would lose the layers, or mirror them.
    smooth = cv2.GaussianBlur(pixels, (0, 0), 3).astype(float)
    again = cv2.GaussianBlur(np.nan_to_num(back), (0, 0), 3)
    inside = cv2.erode(inside.astype(np.uint8), np.ones((15, 15), np.uint8)).astype(bool)
    assert np.corrcoef(smooth[inside], again[inside])[0, 1] > 0.97
    mirrored = again[:, ::-1]
    assert np.corrcoef(smooth[inside], mirrored[inside])[0, 1] < 0.9


def test_what_the_crop_left_out_is_nan(scan):
    pixels = scan[0]
    top, bottom = crop_rows(find_retina(pixels), len(pixels))
    back = Preprocessing(crop="retina").to_scan(np.ones((128, 192)), pixels, "OD", "vertical")
    assert np.isnan(back[:top]).all()
    assert np.isnan(back[bottom:]).all()
    assert (back[top:bottom] == 1).all()
    assert bottom - top < len(pixels)


def test_one_pixel_of_a_flat_picture_is_found_along_the_curve(scan):
    pixels, truth = scan
    preprocessing = Preprocessing(96, 144, "flat")
    for column in (20, 70, 120):
        values = np.zeros((96, 144))
        # The row on which the flattening lays the pigment epithelium.
        values[75, column] = 1
        back = np.nan_to_num(preprocessing.to_scan(values, pixels, "OD", "horizontal"))
        row, at = np.unravel_index(back.argmax(), back.shape)
        assert at == pytest.approx((column + 0.5) / 144 * pixels.shape[1], abs=4)
        assert row == pytest.approx(truth.surface("bruch")[at], abs=12)
