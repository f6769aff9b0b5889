"""Writing and drawn lines are found wherever they stand; tissue is never taken for them."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ctt_net.imaging import find_text, read_bscan
from ctt_net.synthetic import DEVICES, draw_eyes, scan


@pytest.fixture(scope="module")
def scans():
    """Ten simulated scans without their scan-direction mark, as a reader sees them."""
    eyes = draw_eyes(5, seed=31)
    pictures = [scan(eye, device, "vertical") for eye in eyes for device in DEVICES]
    for picture in pictures:
        if picture.shape[1] == 750:
            picture[370:, :130] = picture[370:, 260:130:-1]
    return pictures


def write(pixels, text, corner, size, grey=255, font="pil"):
    """Write over a copy; returns it and the box of the ink."""
    image = Image.fromarray(pixels.copy())
    if font == "pil":
        ImageDraw.Draw(image).text(corner, text, fill=grey, font=ImageFont.load_default(size=size))
        picture = np.asarray(image)
    else:
        picture = np.array(image)
        place = (corner[0], corner[1] + size)
        cv2.putText(picture, text, place, font, size / 28, grey, 1, cv2.LINE_AA)
    rows, columns = np.nonzero(picture != pixels)
    return picture, (columns.min(), rows.min(), columns.max(), rows.max())


def covered(boxes, shape, box):
    """Share of a box's area that the found boxes cover."""
    mask = np.zeros(shape, bool)
    for found in boxes:
        mask[found.top : found.bottom + 1, found.left : found.right + 1] = True
    left, top, right, bottom = box
    return mask[top : bottom + 1, left : right + 1].mean()


def test_scans_without_writing_have_none(scans):
    for pixels in scans:
        assert find_text(pixels) == []
        assert find_text(np.ascontiguousarray(pixels[:, ::-1])) == []


@pytest.mark.parametrize("text", ["Mueller, Anna", "1958-03-14", "Q: 28 dB", "ID 4711"])
@pytest.mark.parametrize("font", ["pil", cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX])
def test_planted_strings_are_found_whole(scans, text, font):
    for pixels, size, corner in zip(
        scans, [12, 16, 20, 28, 36] * 2, [(30, 12), (300, 6), (200, 440)] * 4, strict=False
    ):
        picture, box = write(pixels, text, corner, size, grey=210, font=font)
        assert covered(find_text(picture), pixels.shape, box) >= 0.9, (size, corner)


def test_writing_is_found_after_jpeg_compression(scans, tmp_path):
    for number, pixels in enumerate(scans):
        picture, box = write(pixels, "GARCIA 12/03/2019", (40, 8), 18)
        Image.fromarray(picture).save(tmp_path / f"{number}.jpg", quality=85)
        stored = np.asarray(Image.open(tmp_path / f"{number}.jpg"))
        assert covered(find_text(stored), pixels.shape, box) >= 0.9
        got = read_bscan(tmp_path / f"{number}.jpg")
        assert got.overlays == ("text",)
        assert any(note.code == "writing_filled" for note in got.notes)


@pytest.mark.slow
def test_the_filled_scan_no_longer_says_what_was_written(scans, tmp_path):
    for pixels in scans:
        names = ["Mueller, Anna", "Muetter, Anno"]
        got = []
        for name in names:
            picture, (left, top, right, bottom) = write(pixels, name, (300, 20), 20)
            Image.fromarray(picture).save(tmp_path / "scan.png")
            got.append(read_bscan(tmp_path / "scan.png").pixels)
        inside = got[0][top : bottom + 1, left + 30 : right - 30]
        around = pixels[top : bottom + 1, left : right + 1]
        assert inside.max() <= int(around.max()) + 8
        assert find_text(got[0]) == []
        far = np.ones(pixels.shape, bool)
        far[: bottom + 30, left - 40 : right + 41] = False
        assert np.array_equal(got[0][far], pixels[far])


@pytest.mark.parametrize("at_top", [True, False])
def test_a_white_bar_with_black_writing_is_blackened(scans, tmp_path, at_top):
    for pixels in scans:
        bar = Image.new("L", (pixels.shape[1], 24), 235)
        font = ImageFont.load_default(size=14)
        ImageDraw.Draw(bar).text((10, 4), "Mueller, Anna  1958-03-14  OD", fill=0, font=font)
        parts = [np.asarray(bar), pixels] if at_top else [pixels, np.asarray(bar)]
        Image.fromarray(np.vstack(parts)).save(tmp_path / "scan.png")
        got = read_bscan(tmp_path / "scan.png")
        assert "text" in got.overlays
        rows = slice(0, 24) if at_top else slice(-24, None)
        assert np.ptp(got.pixels[rows]) == 0
        assert got.pixels[rows].max() < 60


def test_a_caliper_line_is_found_and_the_tissue_beside_it_stays(scans, tmp_path):
    for number, pixels in enumerate(scans):
        ends = [((120, 60), (220, 60)), ((150, 30), (150, 110)), ((100, 40), (180, 100))]
        start, end = ends[number % 3]
        picture = pixels.copy()
        cv2.arrowedLine(picture, start, end, 255, 1, tipLength=0.08)
        Image.fromarray(picture).save(tmp_path / "scan.png")
        got = read_bscan(tmp_path / "scan.png")
        assert got.overlays == ("ruler",), number
        ink = picture != pixels
        assert got.pixels[ink].max() < 200
        near = cv2.dilate(ink.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
        assert np.array_equal(got.pixels[~near], pixels[~near])


def test_real_scans_have_no_writing(quebec, real_data):
    for path, got in quebec.items():
        assert set(got.overlays) <= {"scan_direction_mark", "coloured_mark"}, path.name
        assert find_text(got.pixels) == [], path.name
    for path in [*(real_data / "kermany").glob("*.jpeg"), real_data / "octid" / "MH91.jpeg"]:
        assert find_text(read_bscan(path).pixels) == []
    export = read_bscan(real_data / "heidelberg" / "spectralis_export_1264x496.tif")
    assert export.overlays == ("panel",)
    assert find_text(export.pixels) == []


def test_writing_on_real_scans_is_found(quebec):
    for number, (path, got) in enumerate(list(quebec.items())[::4]):
        corner = [(60, 10), (420, 460)][number % 2]
        picture, box = write(got.pixels, "Tremblay, Marie 28 dB", corner, 16, grey=190)
        assert covered(find_text(picture), picture.shape, box) >= 0.9, path.name
