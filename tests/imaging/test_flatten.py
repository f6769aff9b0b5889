"""The retina laid flat: its pigment epithelium on one row, whatever the tilt and the curve."""

import cv2
import numpy as np
import pytest

from ctt_net.imaging import Preprocessing, read_bscan
from ctt_net.imaging.flatten import smooth_line

FLAT = Preprocessing(height=128, width=192, crop="flat")
LINE = 0.36 / 0.46 * 128  # the row that the line is laid on


def bright_rows(flat):
    """Middle of the bright layer in each column, by weight."""
    weight = np.clip(flat.astype(float) - 150, 0, None)
    return (weight * np.arange(128.0)[:, None]).sum(axis=0) / weight.sum(axis=0)


@pytest.mark.parametrize("middle", [0.35, 0.5, 0.6])
@pytest.mark.parametrize("tilt", [0.0, 0.15, -0.15])
@pytest.mark.parametrize("curve", [0.0, -0.12])
def test_the_bright_layer_comes_to_lie_on_one_row(draw, middle, tilt, curve):
    pixels = draw.bscan(tilt=tilt, middle=middle)[0]
    bend = (curve * 496 * np.linspace(-1, 1, 768) ** 2).astype(np.float32)
    x, y = np.meshgrid(np.arange(768, dtype=np.float32), np.arange(496, dtype=np.float32))
    pixels = cv2.remap(pixels, x, y - bend, cv2.INTER_LINEAR, borderValue=22)
    rows = bright_rows(FLAT(pixels, "OD", "vertical"))[4:-4]
    # The layer is 7 rows of 496 thick, which are 4 of the result, and hangs above the line.
    assert np.abs(rows - LINE).max() < 5
    assert rows.std() < 1


def test_depth_keeps_its_scale(draw):
    """The retina of the drawing is 0.18 of the picture's height thick beside the pit."""
    flat = FLAT(draw.bscan(noise=0)[0], "OD", "vertical")
    tissue = (flat[:, 10] > 50).argmax()
    assert LINE - tissue == pytest.approx(0.18 / 0.46 * 128, abs=3)


def test_what_stands_off_the_line_keeps_its_height(draw):
    """A detachment lifts the path by 40 rows over a fifth of the width; the line stays."""
    path = np.full(96, 60.0)
    path[40:58] -= 40
    line = smooth_line(path, 192)
    assert np.abs(line - 60.5).max() < 0.5


def test_left_eyes_are_mirrored_afterwards_too(draw):
    pixels = draw.bscan(tilt=0.1)[0]
    left = FLAT(np.ascontiguousarray(pixels[:, ::-1]), "OS", "horizontal").astype(int)
    right = FLAT(pixels, "OD", "horizontal").astype(int)
    assert np.abs(left - right).mean() < 2


def test_without_a_retina_the_whole_picture_is_kept():
    noise = np.random.default_rng(0).integers(0, 256, (496, 768), dtype=np.uint8)
    expected = cv2.resize(noise, (192, 128), interpolation=cv2.INTER_AREA)
    assert np.array_equal(FLAT(noise, "OD", "vertical"), expected)


@pytest.mark.parametrize("size", [(496, 768), (885, 512), (64, 64), (100, 1536)])
def test_any_size_gives_its_size_and_the_same_bytes_twice(draw, size):
    pixels = draw.bscan(*size)[0]
    first = FLAT(pixels, "OS", "horizontal")
    assert first.shape == (128, 192)
    assert first.dtype == np.uint8
    assert np.array_equal(first, FLAT(pixels, "OS", "horizontal"))


def test_real_scans_come_out_flat(real_data):
    """How far the brightest smoothed row of a column strays from their median: 6 rows are 0.1 mm.

    One eye in a hundred has its retina detached so widely that the path follows that instead.
    """
    strayed = []
    for path in sorted(real_data.rglob("*_baseline_H.tif*"))[::4]:
        smooth = cv2.blur(FLAT(read_bscan(path).pixels, "OD", "vertical"), (9, 5))
        row = smooth[64:].argmax(axis=0)[8:-8]
        strayed.append(np.median(np.abs(row - np.median(row))))
    assert np.sort(strayed)[-2] <= 6
    assert np.median(strayed) <= 2
