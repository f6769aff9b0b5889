"""Samples of a device: decoding, and any depth to 8 bit grey."""

import imagecodecs
import numpy as np
import pytest

from ctt_net.devices.samples import coded_size, decode, deep_to_grey, heidelberg_grey, windowed_grey

CODECS = {"jpeg": "jpeg8", "ljpeg": "ljpeg", "jpegls": "jpegls", "jpeg2k": "jpeg2k"}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("shape", [(64, 80), (97, 130)])
def test_the_size_is_the_one_that_was_coded(codec, shape):
    pixels = np.random.default_rng(0).integers(0, 200, shape).astype(np.uint8)
    data = getattr(imagecodecs, f"{CODECS[codec]}_encode")(pixels)
    assert coded_size(data) == shape
    assert decode(data, codec, *shape).shape == shape


def test_another_size_than_promised_is_never_decoded(monkeypatch):
    data = imagecodecs.jpegls_encode(np.zeros((64, 80), np.uint8))
    monkeypatch.setattr(imagecodecs, "jpegls_decode", lambda data: pytest.fail("was decoded"))
    with pytest.raises(ValueError, match="not"):
        decode(data, "jpegls", 64, 81)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xdb\x00\x00" * 9, b"GIF89a" * 9])
def test_a_stream_without_a_size_is_refused(data):
    with pytest.raises(ValueError, match="no picture size"):
        coded_size(data)


def test_heidelberg_grey_is_the_fourth_root_and_nothing_is_black():
    values = np.array([0, 1e-4, 0.01, 0.5, 1, 3.4028235e38, np.nan, np.inf, -0.1, 1.5], np.float32)
    wanted = [0, 25.5, 80.6, 214.4, 255, 0, 0, 0, 0, 255]
    got = heidelberg_grey(values)
    assert got.dtype == np.uint8
    assert np.abs(got - np.array(wanted)).max() <= 0.5 + 1e-6


def test_a_shallow_range_in_a_deep_container_is_stretched_once_for_the_whole_volume():
    rng = np.random.default_rng(0)
    samples = rng.integers(0, 101, (4, 70, 70)).astype(np.uint16)
    samples[2] //= 4  # one dark B-scan must stay dark
    notes = []
    grey = deep_to_grey(samples, notes)
    assert np.array_equal(grey, np.rint(samples / 100 * 255).astype(np.uint8))
    assert grey[2].max() < 70
    assert "0 to 100" in notes[0]


def test_one_hot_sample_does_not_decide_and_twelve_bits_are_known():
    samples = np.random.default_rng(1).integers(0, 3000, (2, 80, 80)).astype(np.uint16)
    samples[0, 0, 0] = 65535
    grey = deep_to_grey(samples, notes := [])
    assert np.array_equal(grey[1], np.rint(samples[1] / 4095 * 255).astype(np.uint8))
    assert grey[0, 0, 0] == 255
    assert "4095" in notes[0]


def test_sixteen_bit_copies_of_eight_bit_scans_give_the_same_grey():
    samples = np.random.default_rng(2).integers(0, 256, (2, 80, 80)).astype(np.uint8)
    assert deep_to_grey(samples, []) is samples
    assert np.array_equal(deep_to_grey(samples.astype(np.uint16), []), samples)
    assert np.array_equal(deep_to_grey(samples.astype(np.uint16) * 257, []), samples)
    assert np.array_equal(deep_to_grey(samples, [], inverted=True), 255 - samples)


def test_negative_values_are_spread():
    samples = np.linspace(-600, 400, 2 * 80 * 80).reshape(2, 80, 80).astype(np.int16)
    grey = deep_to_grey(samples, notes := [])
    assert (grey.min(), grey.max()) == (0, 255)
    assert np.all(np.diff(grey.ravel().astype(int)) >= 0)
    assert "spread" in notes[0]


def test_a_window_is_applied_as_the_standard_says():
    samples = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    assert np.array_equal(windowed_grey(samples, 128, 256, 1, 0), samples)
    deep = np.arange(65536, dtype=np.uint16).reshape(1, 256, 256)
    grey = windowed_grey(deep, 2000, 1000, 2, -100).ravel()
    for stored in (0, 800, 1050, 1200, 60000):
        value = 2 * stored - 100
        share = (value - 1999.5) / 999 + 0.5
        assert grey[stored] == round(255 * min(max(share, 0), 1))
