"""Find the scan-direction mark that Cirrus burns into its exports.

A white square with an arrow and the letters T, N, S, I. It gives the laterality away and lies
over tissue in some eyes. It is found by its square: four straight white lines, one to three pixels
wide, that meet at corners, which no tissue does.
"""

from dataclasses import dataclass

import cv2
import numpy as np

_LINE_CONTRAST = 45  # grey levels above both sides of a line
_LINE_WHITE = 150
_MAX_RUNS = 400  # a picture with more straight lines is no scan; bounds the search


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
    across = _long_runs(line_pixels(pixels, axis=0), shortest)
    down = _long_runs(line_pixels(pixels, axis=1).T, shortest)
    tops = [run for run in across if run[2] - run[1] <= longest][:_MAX_RUNS]
    down = down[:_MAX_RUNS]
    for i, (top, left, right) in enumerate(tops):
        for bottom, left2, right2 in tops[i + 1 :]:
            side = right - left
            square = 0.6 * side <= bottom - top <= 1.6 * side
            if not square or abs(left - left2) > 3 or abs(right - right2) > 3:
                continue
            sides = [_side(down, x, top, bottom) for x in (left, right)]
            if sides[0] is not None and sides[1] is not None:
                return Box(sides[0], top, sides[1], bottom)
    return None


def widget_mask(pixels: np.ndarray, box: Box) -> np.ndarray:
    """(H, W) bool: lines, arrow and number of the widget; the letters are `letter_cells`."""
    mask = np.zeros(pixels.shape, np.uint8)
    cv2.rectangle(mask, (box.left, box.top), (box.right, box.bottom), 1, 1)
    inside = (slice(box.top, box.bottom + 1), slice(box.left, box.right + 1))
    mask[inside] |= (line_pixels(pixels, axis=0) | line_pixels(pixels, axis=1))[inside].astype(
        np.uint8
    )
    return cv2.dilate(mask, np.ones((5, 5), np.uint8)).astype(bool)


def letter_cells(box: Box) -> list[Box]:
    """Places of the four letters and the line's number: the same for T -> N and N -> T.

    Measured on Cirrus exports with a square of 75 pixels, and scaled with the square.
    """
    unit = (box.right - box.left) / 75
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    cells = (
        (box.left - 14, y - 9, box.left - 2, y + 6),
        (box.right + 4, y - 9, box.right + 16, y + 6),
        (x - 6, box.top - 16, x + 7, box.top - 3),
        (x - 6, box.bottom + 4, x + 7, box.bottom + 17),
        (box.left + 2, box.top + 2, box.left + 11, box.top + 15),
    )
    anchors = ((box.left, y), (box.right, y), (x, box.top), (x, box.bottom), (box.left, box.top))
    return [
        Box(
            *(
                round(a + (value - a) * unit)
                for value, a in zip(cell, (ax, ay, ax, ay), strict=True)
            )
        )
        for cell, (ax, ay) in zip(cells, anchors, strict=True)
    ]


def line_pixels(pixels: np.ndarray, axis: int) -> np.ndarray:
    """(H, W) bool: white pixels of a line at most 2 pixels wide, `axis` being across it."""
    reach = (3, 3, 0, 0) if axis == 0 else (0, 0, 3, 3)
    padded = cv2.copyMakeBorder(pixels, *reach, cv2.BORDER_REPLICATE)
    before, after = (padded[:-6], padded[6:]) if axis == 0 else (padded[:, :-6], padded[:, 6:])
    rise = cv2.subtract(pixels, cv2.max(before, after))
    return (rise > _LINE_CONTRAST) & (pixels > _LINE_WHITE)


def _long_runs(lines: np.ndarray, shortest: int) -> list[tuple[int, int, int]]:
    """(row, first, last) of each unbroken horizontal run of at least `shortest` pixels."""
    # Lossy compression pricks single pixels out of a line.
    whole = cv2.morphologyEx(lines.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))
    promising = np.flatnonzero(whole.sum(axis=1) >= shortest)
    change = np.diff(np.pad(whole[promising], ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(change == 1)
    rows = promising[rows]
    ends = np.nonzero(change == -1)[1]
    keep = ends - starts >= shortest
    runs = (rows[keep].tolist(), starts[keep].tolist(), (ends[keep] - 1).tolist())
    return list(zip(*runs, strict=True))


def _side(down: list[tuple[int, int, int]], x: int, top: int, bottom: int) -> int | None:
    """Column of the straight line near column x that joins top and bottom, if there is one."""
    covered: dict[int, int] = {}
    for column, first, last in down:
        if abs(column - x) <= 3:
            length = max(0, min(last, bottom) - max(first, top) + 1)
            covered[column] = covered.get(column, 0) + length
    if not covered:
        return None
    column = max(covered, key=covered.__getitem__)
    return column if covered[column] >= 0.8 * (bottom - top) else None
