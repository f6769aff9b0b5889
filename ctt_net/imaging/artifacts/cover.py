"""Take writing and drawn lines out of a B-scan, so that no later step can read them."""

import numpy as np

from ctt_net.imaging.artifacts.fill import fill_along, fill_mask, grown
from ctt_net.imaging.artifacts.margins import blacken
from ctt_net.imaging.artifacts.text import find_burnt_in
from ctt_net.imaging.artifacts.widget import Box
from ctt_net.imaging.note import Note

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
