"""Panels and burnt-in marks go, tissue stays."""

import cv2
import numpy as np
import pytest
from PIL import Image

from ctt_net.imaging import UNUSABLE_NOTES, is_inverted, looks_like_report_page, read_bscan


@pytest.fixture
def read_pixels(tmp_path):
    """Read an array by way of a PNG file."""

    def _read(pixels):
        Image.fromarray(pixels).save(tmp_path / "scan.png")
        return read_bscan(tmp_path / "scan.png")

    return _read


@pytest.mark.parametrize("size", [(496, 768), (496, 512), (496, 1024), (768, 1536), (248, 384)])
@pytest.mark.parametrize("brightness", [1.0, 0.3])
@pytest.mark.parametrize("at_right", [False, True])
def test_the_en_face_panel_is_cut_at_any_width(read_pixels, draw, size, brightness, at_right):
    scan = draw.bscan(*size)[0]
    panel = (draw.slo(size[0]) * brightness).astype(np.uint8)
    got = read_pixels(np.hstack([scan, panel] if at_right else [panel, scan]))
    assert got.device_layout == "spectralis_panel"
    assert np.array_equal(got.pixels, scan)


def test_a_separator_goes_with_the_panel(read_pixels, draw):
    scan = draw.bscan()[0]
    line = np.full((496, 3), 255, np.uint8)
    assert np.array_equal(read_pixels(np.hstack([draw.slo(), line, scan])).pixels, scan)


@pytest.mark.parametrize("width", [768, 1264, 1500])
@pytest.mark.parametrize("tilt", [0.0, 0.1, -0.15])
def test_a_bare_scan_is_never_cut_whatever_its_size(read_pixels, draw, width, tilt):
    scan = draw.bscan(496, width, tilt=tilt, noise=15)[0]
    got = read_pixels(scan)
    assert got.device_layout == "plain"
    assert np.array_equal(got.pixels, scan)


def test_two_scans_side_by_side_are_not_taken_for_a_panel(read_pixels, draw):
    both = np.hstack([draw.bscan(496, 496, middle=0.3)[0], draw.bscan(middle=0.6)[0]])
    assert read_pixels(both).pixels.shape == both.shape


@pytest.mark.parametrize("side", [75, 110, 150])
def test_the_mark_is_filled_and_nothing_else_touched(read_pixels, draw, side):
    scan = draw.bscan(500 * side // 75, 750 * side // 75)[0]
    left, top = 31 * side // 75, 394 * side // 75
    marked = draw.widget(scan, left=left, top=top, side=side)
    got = read_pixels(marked)
    assert got.device_layout == "cirrus_overlay"
    reach = side // 4
    outside = np.ones(scan.shape, bool)
    outside[top - reach : top + side + reach, max(0, left - reach) : left + side + reach] = False
    assert np.array_equal(got.pixels[outside], scan[outside])
    assert np.abs(got.pixels.astype(int) - scan)[~outside].max() < 80
    assert (got.pixels != scan)[~outside].mean() < 0.45


def test_no_trace_tells_which_letter_stood_where(read_pixels, draw):
    scan = draw.bscan(500, 750)[0]
    first = read_pixels(draw.widget(scan, "TN")).pixels
    second = read_pixels(draw.widget(scan, "NT")).pixels
    assert np.array_equal(first, second)


def test_the_mark_is_found_after_jpeg_compression(draw, tmp_path):
    marked = draw.widget(draw.bscan(500, 750)[0])
    Image.fromarray(marked).save(tmp_path / "a.jpg", quality=50)
    assert read_bscan(tmp_path / "a.jpg").device_layout == "cirrus_overlay"


@pytest.mark.parametrize("place", [394, 410, 431, 455, 469])
@pytest.mark.parametrize("slope", [-0.5, 0.0, 0.5])
@pytest.mark.parametrize("words", ["TN", "NT"])
def test_a_mark_over_bright_epithelium_goes_whole(read_pixels, draw, place, slope, words):
    scan = draw.bscan(500, 750, middle=0.3)[0]
    rows, columns = np.mgrid[:500, :750]
    bright = np.abs(rows - place - slope * (columns - 68)) < 9
    scan[bright] = np.random.default_rng(0).integers(220, 246, int(bright.sum()))
    got = read_pixels(draw.widget(scan, words))
    assert got.device_layout == "cirrus_overlay"
    seen = (got.pixels >= 250) & ~bright
    assert not seen[370:490, 15:125].any()
    assert read_pixels(scan).device_layout == "plain"


def test_a_bright_flat_retina_is_never_filled(read_pixels, draw):
    scan = draw.bscan(noise=0)[0]
    scan[200:202] = 255  # one saturated, perfectly straight layer
    scan[240:260, 100:300] = 255
    assert np.array_equal(read_pixels(scan).pixels, scan)


def test_coloured_marks_are_filled(read_pixels, bscan):
    colours = np.dstack([bscan] * 3)
    cv2.line(colours, (300, 60), (420, 60), (0, 255, 0), 2)
    got = read_pixels(colours)
    assert np.abs(got.pixels.astype(int) - bscan).max() < 40
    assert any("coloured marks" in note.text for note in got.notes)


def test_white_padding_is_blackened(read_pixels, bscan):
    padded = bscan.copy()
    cv2.fillPoly(padded, [np.array([[0, 495], [0, 420], [767, 470], [767, 495]])], 255)
    got = read_pixels(padded)
    assert got.pixels[450:].mean() < 60
    assert np.array_equal(got.pixels[:400], bscan[:400])


def test_an_upside_down_scan_is_said_and_not_turned(read_pixels, draw):
    for tilt in (0.0, 0.1):
        scan = draw.bscan(tilt=tilt, noise=12)[0]
        assert read_pixels(scan).notes == ()
        got = read_pixels(np.ascontiguousarray(scan[::-1]))
        assert np.array_equal(got.pixels, scan[::-1])
        assert "upside down" in str(got.notes)


def test_a_fundus_picture_alone_is_doubted(read_pixels, draw):
    assert any(note.code == "not_a_bscan" for note in read_pixels(draw.slo()).notes)


def page_of(draw, level=255, ink=0):
    """A printed page, or a screen, with writing and two scans on it."""
    page = np.full((1100, 850), level, np.uint8)
    for row in (0, 1):
        page[480 + 260 * row : 720 + 260 * row, 60:790] = draw.bscan(240, 730, seed=row)[0]
    for row in range(12):
        cv2.putText(page, f"Central subfield {250 + row}", (80, 60 + 30 * row), 0, 0.7, ink, 1)
    return page


def screen_of(draw, level, ink):
    """A viewer's screen: a list at the left, one scan that reaches the right side."""
    screen = np.full((900, 1600), level, np.uint8)
    screen[100:900, 400:] = draw.bscan(800, 1200)[0]
    for row in range(6):
        cv2.putText(screen, f"Patient {row}", (20, 60 + 30 * row), 0, 0.7, ink, 1)
    return screen


@pytest.mark.parametrize("make", [page_of, screen_of])
@pytest.mark.parametrize(("level", "ink"), [(255, 0), (240, 30), (40, 220), (0, 230)])
def test_a_report_page_or_screenshot_is_named_as_such(read_pixels, draw, make, level, ink):
    codes = {note.code for note in read_pixels(make(draw, level, ink)).notes}
    assert codes & UNUSABLE_NOTES == {"report_page"}


@pytest.mark.parametrize("level", [0, 255])
def test_padding_without_writing_is_no_report_page(draw, level):
    scan = draw.bscan(noise=12)[0]
    padded = cv2.copyMakeBorder(scan, 60, 60, 150, 150, cv2.BORDER_CONSTANT, value=level)
    assert not looks_like_report_page(padded)


@pytest.mark.parametrize("gamma", [0.6, 1.0, 1.6])
@pytest.mark.parametrize("turned", [False, True])
def test_inverted_greys_are_said_whichever_way_up(read_pixels, draw, gamma, turned):
    scan = np.rint(255 * (draw.bscan(noise=12)[0] / 255.0) ** gamma).astype(np.uint8)
    scan = np.ascontiguousarray(scan[::-1]) if turned else scan
    assert not is_inverted(scan)
    codes = {note.code for note in read_pixels(255 - scan).notes} & UNUSABLE_NOTES
    assert codes == ({"inverted", "upside_down"} if turned else {"inverted"})


def test_the_white_vitreous_of_a_negative_is_no_margin(read_pixels, draw):
    negative = 255 - np.maximum(draw.bscan()[0].astype(int) - 45, 0).astype(np.uint8)
    assert "inverted" in {note.code for note in read_pixels(negative).notes}
