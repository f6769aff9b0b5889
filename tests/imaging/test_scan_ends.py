"""The letters of the scan-direction mark say which way a scan runs."""

from collections import Counter

import cv2
import numpy as np
import pytest
from PIL import Image

from ctt_net.imaging import read_bscan
from ctt_net.imaging.artifacts.scan_ends import LETTERS
from ctt_net.synthetic import CIRRUS_LIKE, HEIDELBERG_LIKE, draw_eyes, scan


def stamp(pixels, letter, left, top):
    """Draw a letter as Cirrus does."""
    for y, row in enumerate(LETTERS[letter]):
        for x, sign in enumerate(row):
            if sign == "#":
                pixels[top + y, left + x] = 240


def marked(pixels, arrow, letters="TNSI"):
    """A Cirrus mark with the letters left, right, top and bottom, and an arrow in one direction."""
    picture = pixels.copy()
    cv2.rectangle(picture, (31, 394), (106, 469), 255, 1)
    ends = {"right": ((31, 431), (105, 431)), "up": ((68, 469), (68, 395))}[arrow]
    cv2.arrowedLine(picture, *ends, 255, 1, tipLength=0.08)
    for letter, place in zip(letters, [(20, 426), (113, 426), (64, 381), (66, 476)], strict=True):
        stamp(picture, letter, *place)
    return picture


@pytest.mark.parametrize(
    ("arrow", "letters", "ends"),
    [
        ("right", "TNSI", "TN"),
        ("right", "NTSI", "NT"),
        ("up", "TNSI", "IS"),
        ("up", "NTSI", "IS"),
        ("up", "TNIS", "SI"),
    ],
)
def test_the_arrow_decides_which_letters_count(draw, tmp_path, arrow, letters, ends):
    picture = marked(draw.bscan(500, 750)[0], arrow, letters)
    Image.fromarray(picture).save(tmp_path / "scan.png")
    got = read_bscan(tmp_path / "scan.png")
    assert got.ends == ends
    assert "scan_direction_mark" in got.overlays
    Image.fromarray(picture).save(tmp_path / "scan.jpg", quality=80)
    assert read_bscan(tmp_path / "scan.jpg").ends == ends


@pytest.mark.parametrize("letters", ["TTSI", "SISI", "NNSI"])
def test_letters_that_make_no_sense_give_no_ends(draw, tmp_path, letters):
    Image.fromarray(marked(draw.bscan(500, 750)[0], "right", letters)).save(tmp_path / "s.png")
    assert read_bscan(tmp_path / "s.png").ends is None


def test_the_mark_is_read_at_other_sizes(draw, tmp_path):
    picture = marked(draw.bscan(500, 750)[0], "right", "NTSI")
    for factor in (1.5, 2):
        larger = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
        Image.fromarray(larger).save(tmp_path / "scan.png")
        assert read_bscan(tmp_path / "scan.png").ends in ("NT", None)


@pytest.mark.slow
def test_simulated_exports_say_their_ends(tmp_path):
    for eye in draw_eyes(8, seed=4):
        for direction in ("horizontal", "vertical"):
            for device in (CIRRUS_LIKE, HEIDELBERG_LIKE):
                Image.fromarray(scan(eye, device, direction)).save(tmp_path / "scan.png")
                wanted = {"OD": "TN", "OS": "NT"}[eye.laterality]
                wanted = "IS" if direction == "vertical" else wanted
                wanted = None if device is HEIDELBERG_LIKE else wanted
                assert read_bscan(tmp_path / "scan.png").ends == wanted


def test_real_marks_are_read(quebec, real_data):
    counts = Counter(got.ends for got in quebec.values())
    assert counts == {"TN": 52, "NT": 47, None: 5}
    assert read_bscan(real_data / "octid" / "MH91.jpeg").ends == "NT"
    assert all(
        read_bscan(path).ends is None and read_bscan(path).overlays == ()
        for path in (real_data / "kermany").glob("*.jpeg")
    )


def test_a_scan_without_mark_has_no_ends(bscan, tmp_path):
    Image.fromarray(np.asarray(bscan)).save(tmp_path / "scan.png")
    got = read_bscan(tmp_path / "scan.png")
    assert (got.ends, got.overlays) == (None, ())
