"""Every bit depth and colour mode ends in the same grey B-scan."""

import importlib

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from ctt_net.imaging import ImagingError, read_bscan
from ctt_net.imaging.decode.tiff import lzw_by_pillow


def _written(pixels, tmp_path, name, mode, **options):
    path = tmp_path / name
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode != image.mode else image).save(path, **options)
    return read_bscan(path)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
def test_lossless_eight_bit_modes_keep_every_grey_level(bscan, tmp_path, name, mode):
    assert np.array_equal(_written(bscan, tmp_path, name, mode).pixels, bscan)


@pytest.mark.parametrize(
    ("scale", "dtype"),
    [(257, np.uint16), (16, np.uint16), (1, np.uint16), (1 / 255, np.float32), (1.0, np.float64)],
)
@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
def test_deep_tiff_copies_of_a_scan_give_the_same_grey(bscan, tmp_path, scale, dtype, compression):
    path = tmp_path / "deep.tif"
    bright = np.clip(bscan.astype(float) * 1.2, 0, 255).round()
    tifffile.imwrite(path, (bright * scale).astype(dtype), compression=compression)
    got = read_bscan(path).pixels
    assert np.abs(got.astype(int) - bright).max() <= 1  # 12 bit full scale is 4095, not 4080


@pytest.fixture
def base_installation(monkeypatch):
    """Tifffile as it is without the package imagecodecs."""
    own = importlib.import_module("tifffile._imagecodecs")
    monkeypatch.setattr(own, "lzw_decode", lzw_by_pillow, raising=False)
    monkeypatch.setattr(tifffile.tifffile, "imagecodecs", own)
    codecs = tifffile.tifffile.CompressionCodec(encode=False)
    monkeypatch.setattr(tifffile.TIFF, "DECOMPRESSORS", codecs)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("options", [{}, {"tile": (64, 64)}, {"rowsperstrip": 7}])
def test_lzw_needs_no_extra(bscan, tmp_path, dtype, options, request):
    path = tmp_path / "lzw.tif"
    pixels = np.dstack([bscan.astype(dtype) * (257 if dtype == np.uint16 else 1)] * 3)
    tifffile.imwrite(path, pixels, compression="lzw", predictor=True, photometric="rgb", **options)
    request.getfixturevalue("base_installation")  # which writes no LZW
    assert np.array_equal(read_bscan(path).pixels, bscan)


def test_a_compression_that_needs_an_extra_says_which(bscan, tmp_path, request):
    tifffile.imwrite(tmp_path / "jpeg.tif", bscan, compression="jpeg")
    assert read_bscan(tmp_path / "jpeg.tif").pixels.shape == bscan.shape
    request.getfixturevalue("base_installation")
    with pytest.raises(ImagingError, match=r"jpeg\.tif.*compressed as JPEG.*formats"):
        read_bscan(tmp_path / "jpeg.tif")


def test_sixteen_bit_png_grey_and_colour_give_the_same_grey(bscan, tmp_path):
    deep = bscan.astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "grey.png"), deep)
    cv2.imwrite(str(tmp_path / "colour.png"), np.dstack([deep] * 3))
    cv2.imwrite(str(tmp_path / "alpha.png"), np.dstack([deep] * 3 + [np.full_like(deep, 60000)]))
    grey_alpha = imagecodecs.png_encode(np.dstack([deep, np.full_like(deep, 60000)]))
    (tmp_path / "grey_alpha.png").write_bytes(grey_alpha)
    for name in ("grey", "colour", "alpha", "grey_alpha"):
        assert np.array_equal(read_bscan(tmp_path / f"{name}.png").pixels, bscan)


def test_percent_values_fill_the_grey_scale(bscan, tmp_path):
    percent = np.rint(bscan / 255 * 100).astype(np.uint16)
    tifffile.imwrite(tmp_path / "percent.tif", percent)
    got = read_bscan(tmp_path / "percent.tif")
    assert np.abs(got.pixels.astype(int) - bscan).max() <= 2
    assert "0 to 100" in str(got.notes)


def test_a_hot_pixel_does_not_darken_a_deep_scan(bscan, tmp_path):
    deep = np.clip(bscan.astype(float) * 16, 0, 4095).astype(np.uint16)
    deep[3, 3] = 65535
    tifffile.imwrite(tmp_path / "hot.tif", deep)
    got = read_bscan(tmp_path / "hot.tif").pixels
    assert np.abs(got.astype(int) - bscan)[4:].max() <= 1


def test_decibels_and_missing_values_still_give_a_picture_in_order(bscan, tmp_path):
    values = bscan.astype(np.float32) / 255 * 40 - 30
    values[0, :9] = np.nan
    values[1, :9] = 3.4e38
    tifffile.imwrite(tmp_path / "db.tif", values)
    got = read_bscan(tmp_path / "db.tif")
    assert np.corrcoef(got.pixels[2:].ravel(), bscan[2:].ravel())[0, 1] > 0.999
    assert "18 samples without a value" in str(got.notes)


def test_white_is_zero_is_inverted_back(bscan, tmp_path):
    tifffile.imwrite(tmp_path / "w.tif", 255 - bscan, photometric="miniswhite")
    assert np.array_equal(read_bscan(tmp_path / "w.tif").pixels, bscan)


def test_planar_palette_and_tiled_tiff_are_read(bscan, tmp_path):
    planes = np.stack([bscan] * 3)
    tifffile.imwrite(tmp_path / "p.tif", planes, photometric="rgb", planarconfig="separate")
    tifffile.imwrite(tmp_path / "t.tif", bscan, tile=(64, 64), compression="lzw")
    for name in ("p", "t"):
        assert np.array_equal(read_bscan(tmp_path / f"{name}.tif").pixels, bscan)


def test_one_bit_pictures_are_read_with_a_note(bscan, tmp_path):
    got = _written(bscan, tmp_path, "one.png", "1")
    assert set(np.unique(got.pixels)) <= set(range(256))
    assert "black and white" in str(got.notes)


def test_jpeg_grey_colour_and_cmyk_are_close_to_the_scan(bscan, tmp_path):
    for mode in ("L", "RGB", "CMYK"):
        got = _written(bscan, tmp_path, f"{mode}.jpg", mode, quality=95)
        assert np.abs(got.pixels.astype(int) - bscan).mean() < 2
    assert "CMYK" in str(got.notes)


def test_stray_alpha_never_changes_a_pixel(bscan, tmp_path):
    alpha = np.full_like(bscan, 255)
    alpha[0], alpha[:, 0], alpha[100:200, 100:200] = 188, 213, 0
    Image.fromarray(np.dstack([bscan] * 3 + [alpha])).save(tmp_path / "a.tif")
    got = read_bscan(tmp_path / "a.tif")
    assert np.array_equal(got.pixels, bscan)
    assert any("transparency" in note.text for note in got.notes)


# Where the stored first row and first column lie when the picture is upright (TIFF 6.0, tag 274).
TURNS = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_orientation_tags_are_obeyed(draw, tmp_path, name, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    image = Image.fromarray(draw.bscan(124, 192)[0])
    image.save(tmp_path / name, exif=exif)
    image.save(tmp_path / f"plain-{name}")
    stored = read_bscan(tmp_path / f"plain-{name}").pixels
    assert np.array_equal(read_bscan(tmp_path / name).pixels, TURNS[orientation](stored))


@pytest.mark.parametrize("name", ["m.tif", "one_header.tif", "planes.tif", "m.png", "m.jpg"])
def test_a_file_of_several_pictures_is_refused_with_what_to_do(bscan, tmp_path, name):
    path = tmp_path / name
    if name.endswith("tif"):
        stack = np.stack([np.roll(bscan, 5 * k, axis=0) for k in range(3)])
        planes = {"photometric": "rgb", "planarconfig": "separate"}
        options = planes if name == "planes.tif" else {"photometric": "minisblack"}
        tifffile.imwrite(path, stack, truncate=name == "one_header.tif", **options)
    else:
        kind = "PNG" if name.endswith("png") else "MPO"
        frames = [Image.fromarray(bscan[::step]) for step in (1, -1, 1)]
        frames[0].save(path, format=kind, save_all=True, append_images=frames[1:])
    with pytest.raises(ImagingError, match=r"3 pictures .* one picture per file"):
        read_bscan(path)


def test_a_thumbnail_behind_the_scan_is_no_second_picture(bscan, tmp_path):
    with tifffile.TiffWriter(tmp_path / "m.tif") as writer:
        writer.write(bscan)
        writer.write(bscan[::4, ::4], subfiletype=1)
    assert np.array_equal(read_bscan(tmp_path / "m.tif").pixels, bscan)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA"])
def test_a_bmp_is_read(bscan, tmp_path, mode):
    Image.fromarray(bscan).convert(mode).save(tmp_path / "scan.bmp")
    got = read_bscan(tmp_path / "scan.bmp")
    assert np.abs(got.pixels.astype(int) - bscan).max() <= (3 if mode == "P" else 0)
    assert got.notes == ()


def test_a_wrong_extension_is_read_and_said(bscan, tmp_path):
    Image.fromarray(bscan).save(tmp_path / "a.png", format="JPEG", quality=95)
    assert "JPEG although its name ends in .png" in str(read_bscan(tmp_path / "a.png").notes)


def test_a_plain_scan_comes_without_notes(bscan, tmp_path):
    got = _written(bscan, tmp_path, "plain.png", "L")
    assert (got.device_layout, got.notes) == ("plain", ())


def test_a_coloured_picture_is_greyed_with_a_note(bscan, tmp_path):
    Image.fromarray(cv2.applyColorMap(bscan, cv2.COLORMAP_JET)).save(tmp_path / "jet.png")
    assert any("in colour" in note.text for note in read_bscan(tmp_path / "jet.png").notes)
