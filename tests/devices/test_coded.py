"""Sizes out of compressed pictures, before anything is decoded."""

import imagecodecs
import numpy as np
import pytest

from ctt_net.devices.samples import coded_size, decode

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
