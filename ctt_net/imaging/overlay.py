"""Find what a device burnt into the B-scan, and fill it from the surroundings.

Cirrus exports draw a white square with an arrow and the letters T, N, S, I: it gives the
laterality away and lies over tissue in some eyes. It is found by its square: four straight white
lines one or two pixels wide that meet at corners, which no tissue does. Only lines, arrow and
small cells around the letters are filled, so that tissue between them stays; the cells are
whole, because a hole in the form of a T would still say T.
Coloured marks (arrows, calipers) are found by their colour.
"""

from dataclasses import dataclass

import cv2
import numpy as np

_LINE_CONTRAST = 45  # grey levels above both sides of a line
_LINE_WHITE = 150
_COLOUR = 40  # largest minus smallest channel of a coloured mark
_MAX_MARK_SHARE = 0.05  # beyond this the whole picture is coloured


@dataclass(frozen=True)
class Box:
    """The widget's square in pixels, both ends inclusive."""

    left: int
    top: int
    right: int
    bottom: int


def find_widget(pixels: np.ndarray) -> Box | None:
    """Find the scan-direction square.

    Args:
        pixels: (H, W) uint8.
    """
    height = pixels.shape[0]
    shortest = max(24, round(0.05 * height))
    longest = round(0.4 * height)
    across = _long_runs(_thin(pixels, axis=0), shortest)
    down = _long_runs(_thin(pixels, axis=1).T, shortest)
    tops = [run for run in across if run[2] - run[1] <= longest]
    for i, (top, left, right) in enumerate(tops):
        for bottom, left2, right2 in tops[i + 1 :]:
            side = right - left
            square = 0.6 * side <= bottom - top <= 1.6 * side
            if not square or abs(left - left2) > 2 or abs(right - right2) > 2:
                continue
            if _has_side(down, left, top, bottom) and _has_side(down, right, top, bottom):
                return Box(left, top, right, bottom)
    return None


def widget_mask(pixels: np.ndarray, box: Box) -> np.ndarray:
    """(H, W) bool: lines, arrow and letter cells of the widget, the same for T -> N and N -> T."""
    height, width = pixels.shape
    mask = np.zeros((height, width), np.uint8)
    side = box.right - box.left
    cell = max(5, round(side * 0.12))  # half a letter cell; letters are about 7 x 9 of 75
    gap = max(9, round(side * 0.14))  # from the square to a letter's middle
    cv2.rectangle(mask, (box.left, box.top), (box.right, box.bottom), 1, 1)
    middle_x, middle_y = (box.left + box.right) // 2, (box.top + box.bottom) // 2
    for x, y in (
        (box.left - gap, middle_y),
        (box.right + gap, middle_y),
        (middle_x, box.top - gap),
        (middle_x, box.bottom + gap),
        (box.left + gap - cell // 2, box.top + gap - cell // 2),  # the number of the line
    ):
        cv2.rectangle(mask, (x - cell, y - cell), (x + cell, y + cell), 1, -1)
    inside = np.zeros_like(mask)
    inside[box.top : box.bottom + 1, box.left : box.right + 1] = 1
    thin = _thin(pixels, axis=0) | _thin(pixels, axis=1)
    mask |= inside & thin.astype(np.uint8)
    return cv2.dilate(mask, np.ones((5, 5), np.uint8)).astype(bool)


def colour_mask(samples: np.ndarray) -> np.ndarray | None:
    """(H, W) bool of coloured marks, or None where nothing or the whole picture is coloured.

    Args:
        samples: (H, W, 3) uint8.
    """
    spread = samples.max(axis=2).astype(np.int16) - samples.min(axis=2)
    marks = spread > _COLOUR
    if not marks.any() or marks.mean() > _MAX_MARK_SHARE:
        return None
    return cv2.dilate(marks.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)


def fill(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fill the mask from its surroundings (Telea 2004, doi 10.1080/10867651.2004.10487596)."""
    return cv2.inpaint(pixels, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)


def _thin(pixels: np.ndarray, axis: int) -> np.ndarray:
    """(H, W) bool: white pixels of a line at most 2 pixels wide, `axis` being across it."""
    value = pixels.astype(np.int16)
    pad = [(3, 3) if a == axis else (0, 0) for a in (0, 1)]
    padded = np.pad(value, pad, mode="edge")
    length = pixels.shape[axis]
    before = np.take(padded, np.arange(length), axis=axis)
    after = np.take(padded, np.arange(6, length + 6), axis=axis)
    rise = value - np.maximum(before, after)
    return (rise > _LINE_CONTRAST) & (value > _LINE_WHITE)


def _long_runs(lines: np.ndarray, shortest: int) -> list[tuple[int, int, int]]:
    """(row, first, last) of every unbroken horizontal run of at least `shortest` pixels."""
    padded = np.pad(lines, ((0, 0), (1, 1))).astype(np.int8)
    change = np.diff(padded, axis=1)
    rows, starts = np.nonzero(change == 1)
    ends = np.nonzero(change == -1)[1]
    keep = ends - starts >= shortest
    return list(zip(rows[keep], starts[keep], ends[keep] - 1, strict=True))


def _has_side(down: list[tuple[int, int, int]], x: int, top: int, bottom: int) -> bool:
    """Whether vertical runs near column x cover most of the way from top to bottom."""
    covered = sum(
        max(0, min(last, bottom) - max(first, top) + 1)
        for column, first, last in down
        if abs(column - x) <= 1
    )
    return covered >= 0.8 * (bottom - top)
