"""Read which sides of the eye a scan runs between, from the mark that Cirrus burns in.

The arrow of the mark runs the way the scan lies in the picture, left to right, and the letter at
either end of it names that side of the eye: temporal to nasal in a right eye's horizontal scan.
"""

from functools import partial

import cv2
import numpy as np

from ctt_net.imaging.artifacts.direction_mark import letter_cells, line_pixels
from ctt_net.imaging.artifacts.fill import Box

# The letters as Cirrus draws them beside a square of 75 pixels: medians over 99 exports.
LETTERS = {
    "T": ("#######", *["...#..."] * 7),
    "N": ("##...#", "##...#", "#.#..#", "#.##.#", "#..#.#", "#..###", "#...##", "#...##"),
    "S": (".#####", "#....#", "#.....", "###...", "...###", ".....#", "#...##", "######"),
    "I": ("###", *[".#."] * 6, "###"),
}
# Mean correlation of both places with the letters of one reading: over 99 Cirrus marks the right
# reading reached 0.89 and more and the reverse one 0.44 at most; over 34 simulated marks, drawn in
# another typeface, 0.66 against 0.39.
_MIN_LIKENESS = 0.6
_MIN_LEAD = 0.15
_CIRRUS_SQUARE_PX = 75
_HEAD = 0.16  # of the square's side: the arrow's head with its end of the shaft
_SHAFT = 0.8  # of the side that the shaft must cover


def read_ends(pixels: np.ndarray, box: Box) -> str | None:
    """Letters at the scan's left and right end, "TN", "NT", "SI" or "IS"; None if unclear.

    Args:
        pixels: (H, W) uint8, the export with its mark.
        box: the mark's square, as `find_mark` returns it.
    """
    side = box.right - box.left
    inside = slice(box.top + 3, box.bottom - 2), slice(box.left + 3, box.right - 2)
    across = line_pixels(pixels, axis=0)[inside]
    down = line_pixels(pixels, axis=1)[inside]
    left, right, top, bottom = letter_cells(box)[:4]
    readings = []
    if _has_shaft(across):
        ends = (left, right) if _points_on(across | down, side) else (right, left)
        readings.append(_reading(pixels, ends, side, ("TN", "NT")))
    if _has_shaft(down.T):
        ends = (top, bottom) if _points_on((across | down).T, side) else (bottom, top)
        readings.append(_reading(pixels, ends, side, ("SI", "IS")))
    return readings[0] if len(readings) == 1 else None


def _has_shaft(across: np.ndarray) -> bool:
    """Whether a straight line crosses the square from left to right through its middle."""
    height, width = across.shape
    middle = across[height // 2 - 3 : height // 2 + 4]
    # Two neighbouring rows together: resampling may split a line between them.
    return bool((middle[1:] | middle[:-1]).sum(axis=1).max(initial=0) >= _SHAFT * width)


def _points_on(lines: np.ndarray, side: int) -> bool:
    """Whether the arrow's head, the wider end of its line, is at the right."""
    reach = max(3, round(_HEAD * side))
    middle = slice(lines.shape[0] // 2 - reach, lines.shape[0] // 2 + reach + 1)
    return int(lines[middle, -reach:].sum()) >= int(lines[middle, :reach].sum())


def _reading(
    pixels: np.ndarray, ends: tuple[Box, Box], side: int, choice: tuple[str, str]
) -> str | None:
    """Which of two readings, a letter for each end, the cells show; None if unclear."""
    likeness = {
        word: sum(_likeness(pixels, cell, side, k) for cell, k in zip(ends, word, strict=True)) / 2
        for word in choice
    }
    worse, best = sorted(likeness, key=likeness.__getitem__)
    clear = likeness[best] >= _MIN_LIKENESS and likeness[best] - likeness[worse] >= _MIN_LEAD
    for cell, letter in zip(ends, best, strict=True):
        clear &= letter == max(LETTERS, key=partial(_likeness, pixels, cell, side))
    return best if clear else None


def _likeness(pixels: np.ndarray, cell: Box, side: int, letter: str) -> float:
    """Best correlation of a cell with a letter, wherever in the cell it stands."""
    part = pixels[max(cell.top, 0) : cell.bottom + 1, max(cell.left, 0) : cell.right + 1]
    if side != _CIRRUS_SQUARE_PX and part.size:
        share = _CIRRUS_SQUARE_PX / side
        size = max(1, round(part.shape[1] * share)), max(1, round(part.shape[0] * share))
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    ink = np.array([[sign == "#" for sign in row] for row in LETTERS[letter]], np.float32)
    template = np.pad(ink, 1)
    if part.shape[0] < template.shape[0] or part.shape[1] < template.shape[1]:
        return 0.0
    return float(cv2.matchTemplate(part.astype(np.float32), template, cv2.TM_CCOEFF_NORMED).max())
