"""Scans written as PNG of three chunks, and read again."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from ctt_net.deidentify.scans import bare_png, chunks, picture_of
from ctt_net.imaging import read_bscan

SAMPLES = (
    "heidelberg/spectralis_export_1264x496.tif",
    "kermany/CNV-53018-1.jpeg",
    "kermany/NORMAL-12494-3.jpeg",
    "octid/MH91.jpeg",
)


@pytest.mark.parametrize("name", SAMPLES)
def test_real_scans_are_steady(real_data, tmp_path, name):
    first = read_bscan(real_data / name)
    (tmp_path / "scan.png").write_bytes(bare_png(first.pixels))
    again = read_bscan(tmp_path / "scan.png")
    assert np.array_equal(first.pixels, again.pixels)
    assert again.overlays == ()


@pytest.mark.slow
def test_what_was_found_in_each_scan_is_told(export):
    assert "removed from scans: " in export.printed
    assert "text 1" in export.printed
    assert "change when read again" not in export.printed


PIXELS = np.random.default_rng(1).integers(0, 256, (40, 61), dtype=np.uint8)


def test_three_kinds_of_chunks_and_the_same_pixels():
    data = bare_png(PIXELS)
    assert {kind for kind, _ in chunks(data)} == {b"IHDR", b"IDAT", b"IEND"}
    image = Image.open(io.BytesIO(data))
    assert image.mode == "L"
    assert np.array_equal(np.asarray(image), PIXELS)
    assert np.array_equal(picture_of(data), PIXELS)


def test_anything_more_is_refused():
    info = PngImagePlugin.PngInfo()
    info.add_text("a", "b")
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG", pnginfo=info)
    with pytest.raises(ValueError, match="tEXt"):
        picture_of(file.getvalue())
    with pytest.raises(ValueError, match="behind the end"):
        picture_of(bare_png(PIXELS) + b"x")
    with pytest.raises(ValueError, match="cut short"):
        picture_of(bare_png(PIXELS)[:-3])
    file = io.BytesIO()
    Image.fromarray(np.stack([PIXELS] * 3, -1)).save(file, "PNG")
    with pytest.raises(ValueError, match="grey"):
        picture_of(file.getvalue())


def test_rows_beyond_the_picture_are_refused():
    def chunk(kind, payload):
        return (
            struct.pack(">I", len(payload)) + kind + payload
            + struct.pack(">I", zlib.crc32(kind + payload))
        )  # fmt: skip

    header = struct.pack(">IIBBBBB", 4, 2, 8, 0, 0, 0, 0)
    rows = b"\0abcd\0efgh"
    for hidden in (zlib.compress(rows + b"Mrs Smith"), zlib.compress(rows) + b"Mrs Smith"):
        data = (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", header) + chunk(b"IDAT", hidden) + chunk(b"IEND", b"")
        )  # fmt: skip
        with pytest.raises(ValueError, match="beyond the rows"):
            picture_of(data)
