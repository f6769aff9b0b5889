"""One input for the network: oriented, cropped to the retina, of one size."""

import cv2
import numpy as np
import pytest

from ctt_net.errors import InputError
from ctt_net.imaging import Preprocessing, find_retina, orient, read_bscan
from ctt_net.imaging.preprocessing import crop_rows


def test_only_horizontal_scans_of_left_eyes_are_mirrored(bscan):
    mirrored = bscan[:, ::-1]
    for laterality in ("OD", "OS"):
        for direction in ("horizontal", "vertical", "oblique"):
            expected = mirrored if (laterality, direction) == ("OS", "horizontal") else bscan
            assert np.array_equal(orient(bscan, laterality, direction), expected)


def test_words_that_are_no_laterality_or_direction_are_refused(bscan):
    with pytest.raises(InputError, match="OD or OS, got 'left'"):
        orient(bscan, "left", "horizontal")
    with pytest.raises(InputError, match="got 'H'"):
        orient(bscan, "OD", "H")


def test_a_pair_of_eyes_gives_the_same_input():
    pixels = np.random.default_rng(0).integers(0, 256, (496, 768), dtype=np.uint8)
    prepare = Preprocessing(crop="none")
    left = prepare(np.ascontiguousarray(pixels[:, ::-1]), "OS", "horizontal")
    assert np.array_equal(left, prepare(pixels, "OD", "horizontal"))


@pytest.mark.parametrize("size", [(496, 768), (500, 750), (885, 512), (1024, 512), (64, 64)])
def test_output_has_its_size_and_is_repeatable(draw, size):
    pixels = draw.bscan(*size)[0]
    before = pixels.copy()
    first = Preprocessing()(pixels, "OS", "horizontal")
    assert first.shape == (128, 192)
    assert first.dtype == np.uint8
    assert np.array_equal(first, Preprocessing()(pixels, "OS", "horizontal"))
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("middle", [0.2, 0.45, 0.7, 0.85])
@pytest.mark.parametrize("tilt", [0.0, 0.12, -0.12])
@pytest.mark.parametrize("noise", [3, 25, 50])
def test_the_crop_holds_the_whole_retina(draw, middle, tilt, noise):
    pixels, inner, outer = draw.bscan(tilt=tilt, noise=noise, middle=middle)
    start, end = crop_rows(find_retina(pixels), 496)
    assert start <= max(0, inner.min())
    assert end >= min(496, outer.max())
    assert end - start < 496  # found, not given up
    if tilt == 0:
        assert end - start == 248


@pytest.mark.parametrize("share", [0.3, 0.15])
def test_the_crop_holds_a_retina_behind_a_dense_cataract(draw, share):
    pixels, inner, outer = draw.bscan(noise=2)
    dull = np.clip(20 + pixels * share, 0, 255)
    dull[:, 250:400] = 20 + (dull[:, 250:400] - 20) * 0.3  # a shadow
    dull = np.clip(dull + np.random.default_rng(0).normal(0, 8, dull.shape), 0, 255)
    start, end = crop_rows(find_retina(dull.astype(np.uint8)), 496)
    assert start <= inner.min()
    assert outer.max() <= end < 496


def test_the_crop_ignores_marks_and_black_margins(draw):
    pixels, inner, outer = draw.bscan(500, 750)
    marked = draw.widget(pixels)
    marked[:30], marked[-25:], marked[:, :20], marked[:, -40:] = 0, 0, 0, 0
    start, end = crop_rows(find_retina(marked), 500)
    assert start <= inner.min()
    assert outer.max() <= end
    assert end - start == 250


def test_without_a_retina_the_whole_picture_is_kept():
    noise = np.random.default_rng(0).integers(0, 256, (496, 768), dtype=np.uint8)
    assert find_retina(noise) is None
    assert find_retina(np.full((496, 768), 80, np.uint8)) is None
    expected = cv2.resize(noise, (192, 128), interpolation=cv2.INTER_AREA)
    assert np.array_equal(Preprocessing()(noise, "OD", "vertical"), expected)


def test_every_real_crop_holds_the_bright_layers(real_data):
    for path in [*real_data.rglob("*.jpeg"), *real_data.rglob("*_baseline_H.tif*")][::6]:
        pixels = read_bscan(path).pixels
        start, end = crop_rows(find_retina(pixels), len(pixels))
        smooth = cv2.blur(pixels, (31, 9))
        brightest = smooth.argmax(axis=0)[20:-20]  # of each column: a layer of the retina
        assert np.mean((brightest >= start) & (brightest < end)) > 0.98, path.name
        assert end - start <= 0.76 * len(pixels), path.name


def test_settings_survive_a_round_trip_and_refuse_nonsense():
    given = Preprocessing(height=64, width=96, crop="none")
    assert Preprocessing.from_dict(given.to_dict()) == given
    for bad in ({"height": 0}, {"width": 1e9}, {"crop": "fovea"}, {"depth": 3}, {"height": True}):
        with pytest.raises(InputError):
            Preprocessing.from_dict(bad)
