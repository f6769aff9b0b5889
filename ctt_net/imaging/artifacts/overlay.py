"""Take out what a device burnt into the B-scan, and fill it from the surroundings.

Only the lines, the arrow and small cells around the letters of a scan-direction mark are filled,
so that tissue between them stays. The cells are filled whole, because a hole in the form of a T
would still say T. Coloured marks (arrows, calipers) are found by their colour.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ctt_net.imaging.artifacts.fill import fill_along, fill_mask, grown
from ctt_net.imaging.artifacts.scan_ends import read_ends
from ctt_net.imaging.artifacts.widget import Box, find_widget, letter_cells, widget_mask
from ctt_net.imaging.decode.depth import grey
from ctt_net.imaging.note import Note

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
