"""Remove burnt-in marks, text and drawn lines from a B-scan, so that no later step can use them."""

from dataclasses import dataclass

import cv2
import numpy as np

from ctt_net.imaging.artifacts.borders import find_bars
from ctt_net.imaging.artifacts.direction_mark import find_mark, letter_cells, mark_lines
from ctt_net.imaging.artifacts.fill import (
    Box,
    blacken,
    box_mask,
    dilated,
    fill_along,
    fill_mask,
)
from ctt_net.imaging.artifacts.rulers import ruler_parts
from ctt_net.imaging.artifacts.scan_ends import read_ends
from ctt_net.imaging.artifacts.strokes import find_strokes
from ctt_net.imaging.artifacts.text import text_boxes
from ctt_net.imaging.bscan import Note
from ctt_net.imaging.decode.depth import grey

_COLOUR = 40  # largest minus smallest channel of a coloured mark
_MAX_MARK_SHARE = 0.05  # beyond this the whole picture is coloured
_TINTED = 10
_WIDE = 0.6  # of the picture's width: too much to interpolate across
_MARK = Note("mark_filled", "the burnt-in scan-direction mark was filled from its surroundings")
_COLOURED = Note("coloured_marks_filled", "coloured marks were filled from their surroundings")
_IN_COLOUR = Note("in_colour", "the picture is in colour; its brightness was taken")
_LINES = Note(
    "lines_filled",
    "drawn lines (ruler, caliper or arrow) were filled from their surroundings",
)
_TEXT = Note("writing_filled", "burnt-in text was filled from its surroundings")


@dataclass(frozen=True, eq=False)
class Cleaned:
    """A B-scan without scan-direction mark and coloured marks.

    Args:
        pixels: (H, W) uint8.
        overlays: kinds that were filled, of `ctt_net.imaging.bscan.OVERLAYS`.
        ends: sides of the eye named by the scan-direction mark, see `read_ends`.
    """

    pixels: np.ndarray
    overlays: tuple[str, ...] = ()
    ends: str | None = None


def without_marks(colours: np.ndarray, notes: list[Note]) -> Cleaned:
    """Fill the scan-direction mark and coloured marks.

    Only lines, arrow and small cells around the letters of a scan-direction mark are filled, so
    that tissue between them stays. The cells are filled whole, since a hole in the form of a T
    would still show T.

    Args:
        colours: (H, W) or (H, W, 3) uint8.
        notes: receives a note for what was found.
    """
    pixels = grey(colours)
    box = find_mark(pixels)
    overlays: list[str] = []
    cells = [] if box is None else letter_cells(box)
    letters = box_mask(pixels.shape, cells)
    mask = np.zeros(pixels.shape, bool) if box is None else mark_lines(pixels, box)
    ends = None
    if box is not None:
        notes.append(_MARK)
        overlays.append("scan_direction_mark")
        ends = read_ends(pixels, box)
    if colours.ndim == 3:
        marks = _coloured(colours)
        if marks is None:
            notes.append(_IN_COLOUR)
        else:
            if (marks & ~(letters | mask)).any():
                notes.append(_COLOURED)
                overlays.append("coloured_mark")
            mask |= dilated(marks)
    mask |= letters  # else a letter's white would bleed into the lines' fill
    if mask.any():
        pixels = fill_mask(pixels, mask)
    return Cleaned(fill_along(pixels, cells), tuple(overlays), ends)


def _coloured(colours: np.ndarray) -> np.ndarray | None:
    """(H, W) bool of coloured marks; None where the whole picture is coloured."""
    red, green, blue = cv2.split(np.ascontiguousarray(colours))
    spread = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
    marks = spread > _COLOUR
    if marks.mean() > _MAX_MARK_SHARE or float(np.percentile(spread, 95)) > _TINTED:
        return None
    return marks


@dataclass(frozen=True, eq=False)
class BurntIn:
    """Text and drawn lines of one picture.

    Args:
        text: boxes around bright text.
        bars: boxes of bright bars with dark text.
        rulers: boxes around rulers, scale bars, caliper lines and arrows.
        ruler_pixels: (rows, columns) of each of the rulers' own pixels.
    """

    text: list[Box]
    bars: list[Box]
    rulers: list[Box]
    ruler_pixels: list[tuple[np.ndarray, np.ndarray]]


def find_burnt_in(pixels: np.ndarray) -> BurntIn:
    """Find text and drawn lines of any grey; coloured marks are found by their colour.

    Args:
        pixels: (H, W) uint8 B-scan without scan-direction mark.
    """
    strokes = find_strokes(pixels)
    parts = ruler_parts(strokes, pixels)
    sides = (strokes.left, strokes.top, strokes.right, strokes.bottom)
    return BurntIn(
        text=text_boxes(strokes, pixels),
        bars=find_bars(pixels),
        rulers=[Box(*(int(side[part]) for side in sides)) for part in parts],
        ruler_pixels=[strokes.pixels(part) for part in parts],
    )


def find_text(pixels: np.ndarray) -> list[Box]:
    """Boxes of everything that is written or drawn over the scan in grey, black or white.

    Args:
        pixels: (H, W) uint8.
    """
    found = find_burnt_in(pixels)
    return found.text + found.bars + found.rulers


def without_text(pixels: np.ndarray, notes: list[Note]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Fill what `find_burnt_in` finds; the picture itself where that is nothing.

    Boxes of text are filled whole, since a hole in the form of a name would still show the name.
    Drawn lines are filled along themselves, so that the tissue beside them stays.

    Args:
        pixels: (H, W) uint8, without scan-direction mark.
        notes: receives a note for each kind that was found.

    Returns:
        The filled picture, and the kinds that were there: "text", "ruler".
    """
    found = find_burnt_in(pixels)
    overlays: list[str] = []
    if found.ruler_pixels:
        overlays.append("ruler")
        notes.append(_LINES)
        mask = np.zeros(pixels.shape, bool)
        for rows, columns in found.ruler_pixels:
            mask[rows, columns] = True
        pixels = fill_mask(pixels, dilated(mask))
    if found.text or found.bars:
        overlays.insert(0, "text")
        notes.append(_TEXT)
        wide = [box for box in found.text if box.right - box.left + 1 > _WIDE * pixels.shape[1]]
        pixels = fill_along(pixels, [box for box in found.text if box not in wide])
        if wide or found.bars:
            pixels = blacken(pixels, box_mask(pixels.shape, wide + found.bars))
    return pixels, tuple(overlays)
