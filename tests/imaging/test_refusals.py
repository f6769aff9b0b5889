"""Whatever is no usable scan ends in one clear message that names the file."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from ctt_net.errors import InputError
from ctt_net.imaging import BScan, ImagingError, read_bscan
from ctt_net.imaging.decode.raster import check_size


def _bytes(pixels, kind, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def _png_claiming(width, height):
    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    magic = b"\x89PNG\r\n\x1a\n"
    return magic + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "an empty file"),
        (b"eye_id,preop_va\n1,20/40\n" * 20, "a text file"),
        (b"%PDF-1.7 \x00\x01", "a PDF"),
        (b"%!PS-Adobe-3.0 EPSF", "a PostScript"),
        (b"SIMPLE  =                    T", "a FITS"),
        (b"GIF89a" + bytes(50), "a GIF"),
        (b"BM" + bytes(50), "a BMP file that is truncated or damaged"),
        (b"PK\x03\x04" + bytes(50), "a ZIP"),
        (b"HSF-OCT-103" + bytes(50), "a raw Heidelberg .vol"),
        (bytes(128) + b"DICM", "a DICOM"),
        (bytes(range(256)), "no PNG, TIFF, JPEG or BMP"),
    ],
)
def test_other_files_are_refused_by_what_they_are(refuse, data, found):
    assert found in refuse(data)


@pytest.mark.parametrize("size", [(7072, 7073), (8000, 8000), (20000, 20000), (10, 6_000_000)])
def test_a_bomb_is_refused_from_its_header(refuse, size):
    text = refuse(_png_claiming(*size))
    assert "pixels" in text


def test_a_tiff_bomb_is_refused_from_its_header(refuse):
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.zeros((9000, 9000), np.uint8), compression="zlib")
    assert "9000x9000" in refuse(stream.getvalue(), "bomb.tif")


def test_a_file_above_the_cap_is_refused_unread(tmp_path):
    path = tmp_path / "film.tif"
    with path.open("wb") as stream:
        stream.truncate(65 * 2**20)  # sparse: nothing is written
    with pytest.raises(ImagingError, match=r"film\.tif: found a file of 65 MB \(limit 64 MB\)"):
        read_bscan(path)


def test_missing_files_folders_and_odd_paths_are_refused(tmp_path):
    with pytest.raises(ImagingError, match=r"no\.png: found no such file"):
        read_bscan(tmp_path / "no.png")
    with pytest.raises(ImagingError, match="found a folder"):
        read_bscan(tmp_path)
    for odd in ("a\x00b.png", "x" * 5000 + ".png"):
        with pytest.raises(ImagingError):
            read_bscan(tmp_path / odd)
    assert issubclass(ImagingError, InputError)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97])
def test_truncated_files_are_refused(refuse, bscan, kind, share):
    data = _bytes(bscan, kind)
    assert "truncated" in refuse(data[: int(len(data) * share)])


@pytest.mark.parametrize("shape", [(63, 300), (300, 63), (1, 1)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_thumbnails_are_refused(refuse, kind, shape):
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert "at least 64" in refuse(_bytes(noise, kind))


@pytest.mark.parametrize(("shape", "said"), [((64, 2049), "strip"), ((2200, 64), "strip")])
def test_strips_are_refused(refuse, shape, said):
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert said in refuse(_bytes(noise, "PNG"))


def test_a_side_has_a_limit():
    check_size(16_384, 512, Path("x.png"))
    with pytest.raises(ImagingError, match="16384 a side"):
        check_size(16_385, 600, Path("x.png"))


@pytest.mark.parametrize("level", [0, 90, 255])
def test_blank_pictures_are_refused(refuse, level):
    assert f"level {level}" in refuse(_bytes(np.full((200, 300), level, np.uint8), "PNG"))


def test_volumes_are_refused(refuse):
    stream = io.BytesIO()
    volume = np.random.default_rng(0).integers(0, 256, (64, 96, 96), dtype=np.uint8)
    tifffile.imwrite(stream, volume, volumetric=True, tile=(16, 32, 32), photometric="minisblack")
    assert "volume" in refuse(stream.getvalue(), "v.tif")


def test_garbled_files_end_in_a_bscan_or_a_refusal(tmp_path, draw):
    pixels = draw.bscan(96, 128)[0]
    seeds = [_bytes(pixels, kind) for kind in ("PNG", "TIFF", "JPEG")]
    for options in ({"compression": "lzw"}, {"compression": "zlib", "tile": (32, 32)}):
        stream = io.BytesIO()
        tifffile.imwrite(stream, pixels.astype(np.uint16) * 16, **options)
        seeds.append(stream.getvalue())
    rng = np.random.default_rng(0)
    path = tmp_path / "f.png"
    refused = 0
    for turn in range(400):
        data = bytearray(seeds[turn % len(seeds)])
        reach = len(data) if turn % 2 else min(len(data), 200)
        for _ in range(int(rng.integers(1, 9))):
            data[int(rng.integers(reach))] = int(rng.integers(256))
        path.write_bytes(data[: int(rng.integers(1, len(data) + 1))] if turn % 3 == 0 else data)
        try:
            outcome = read_bscan(path)
        except ImagingError as refusal:
            refused += 1
            outcome = str(refusal)
        assert isinstance(outcome, BScan) or outcome.startswith("f.png: found ")
    assert 60 < refused < 400
