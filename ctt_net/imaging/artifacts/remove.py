"""Find what an export or an operator wrote over a scan: writing, bars with writing, rulers."""

from dataclasses import dataclass

import cv2
import numpy as np

from ctt_net.imaging.artifacts.borders import blacken, find_bars
from ctt_net.imaging.artifacts.direction_mark import Box, find_widget, letter_cells, widget_mask
from ctt_net.imaging.artifacts.fill import fill_along, fill_mask, grown
from ctt_net.imaging.artifacts.rulers import ruler_parts
from ctt_net.imaging.artifacts.scan_ends import read_ends
from ctt_net.imaging.artifacts.strokes import find_strokes
from ctt_net.imaging.artifacts.writing import writing_boxes
from ctt_net.imaging.bscan import Note
from ctt_net.imaging.decode.depth import grey


@dataclass(frozen=True, eq=False)
class BurntIn:
    """What was found in one picture.

    Args:
        writing: boxes around bright writing.
        bars: boxes of bright bars that bear dark writing.
        rulers: boxes around rulers, scale bars, caliper lines and arrows.
        ruler_pixels: (rows, columns) of each of the rulers' own pixels.
    """

    writing: list[Box]
    bars: list[Box]
    rulers: list[Box]
    ruler_pixels: list[tuple[np.ndarray, np.ndarray]]


def find_burnt_in(pixels: np.ndarray) -> BurntIn:
    """Find writing and drawn lines of any grey; coloured marks are found by their colour.

    Args:
        pixels: (H, W) uint8 B-scan without scan-direction mark.
    """
    strokes = find_strokes(pixels)
    parts = ruler_parts(strokes, pixels)
    sides = (strokes.left, strokes.top, strokes.right, strokes.bottom)
    return BurntIn(
        writing=writing_boxes(strokes, pixels),
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
    return found.writing + found.bars + found.rulers


_COLOUR = 40  # largest minus smallest channel of a coloured mark
_MAX_MARK_SHARE = 0.05  # beyond this the whole picture is coloured
_TINTED = 10
_MARK = "the burnt-in scan-direction mark was filled from its surroundings"
_COLOURED = "coloured marks were filled from their surroundings"


@dataclass(frozen=True, eq=False)
class Cleaned:
    """A B-scan without burnt-in marks.

    Args:
        pixels: (H, W) uint8.
        overlays: kinds that were filled, of `ctt_net.imaging.bscan.OVERLAYS`.
        ends: what the scan-direction mark says, see `read_ends`.
    """

    pixels: np.ndarray
    overlays: tuple[str, ...] = ()
    ends: str | None = None


def without_marks(colours: np.ndarray, notes: list[Note]) -> Cleaned:
    """Find and fill the burnt-in marks of a B-scan.

    Args:
        colours: (H, W) or (H, W, 3) uint8.
        notes: receives a line for what was found.
    """
    pixels = grey(colours)
    box = find_widget(pixels)
    overlays: list[str] = []
    cells = [] if box is None else letter_cells(box)
    mask = np.zeros(pixels.shape, bool) if box is None else widget_mask(pixels, box)
    ends = None
    if box is not None:
        notes.append(Note("mark_filled", _MARK))
        overlays.append("scan_direction_mark")
        ends = read_ends(pixels, box)
    if colours.ndim == 3:
        marks = _coloured(colours)
        if marks is None:
            notes.append(Note("in_colour", "the picture is in colour; its brightness was taken"))
        else:
            if (marks & ~(_area(pixels.shape, cells) | mask)).any():
                notes.append(Note("coloured_marks_filled", _COLOURED))
                overlays.append("coloured_mark")
            mask |= grown(marks)
    mask |= _area(pixels.shape, cells)  # else a letter's white would bleed into the lines' fill
    if mask.any():
        pixels = fill_mask(np.ascontiguousarray(pixels), mask)
    return Cleaned(fill_along(pixels, cells), tuple(overlays), ends)


def _coloured(colours: np.ndarray) -> np.ndarray | None:
    """(H, W) bool of coloured marks; None where the whole picture is coloured."""
    red, green, blue = cv2.split(np.ascontiguousarray(colours))
    spread = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
    marks = spread > _COLOUR
    if marks.mean() > _MAX_MARK_SHARE or float(np.percentile(spread, 95)) > _TINTED:
        return None
    return marks


def _area(shape: tuple[int, ...], cells: list[Box]) -> np.ndarray:
    """(H, W) bool of the cells."""
    area = np.zeros(shape, bool)
    for cell in cells:
        area[max(cell.top, 0) : cell.bottom + 1, max(cell.left, 0) : cell.right + 1] = True
    return area


_WIDE = 0.6  # of the picture's width: too much to draw across
_LINES = "drawn lines (ruler, caliper or arrow) were filled from their surroundings"
_WRITING = "burnt-in writing was filled from its surroundings"


def without_text(pixels: np.ndarray, notes: list[Note]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Fill what `find_burnt_in` finds; the picture itself where that is nothing.

    Boxes of writing are filled whole, since a hole in the form of a name would still say the
    name. Drawn lines are filled along themselves, so that the tissue beside them stays.

    Args:
        pixels: (H, W) uint8, without scan-direction mark.
        notes: receives a line for each kind that was found.

    Returns:
        The filled picture, and the kinds that were there: "text", "ruler".
    """
    found = find_burnt_in(pixels)
    overlays: list[str] = []
    if found.ruler_pixels:
        overlays.append("ruler")
        notes.append(Note("lines_filled", _LINES))
        mask = np.zeros(pixels.shape, bool)
        for rows, columns in found.ruler_pixels:
            mask[rows, columns] = True
        pixels = fill_mask(np.ascontiguousarray(pixels), grown(mask))
    if found.writing or found.bars:
        overlays.insert(0, "text")
        notes.append(Note("writing_filled", _WRITING))
        wide = [box for box in found.writing if _share(box, pixels) > _WIDE]
        pixels = fill_along(pixels, [box for box in found.writing if box not in wide])
        if wide or found.bars:
            area = np.zeros(pixels.shape, bool)
            for box in wide + found.bars:
                area[box.top : box.bottom + 1, box.left : box.right + 1] = True
            pixels = blacken(pixels, area)
    return pixels, tuple(overlays)


def _share(box: Box, pixels: np.ndarray) -> float:
    return (box.right - box.left + 1) / pixels.shape[1]
