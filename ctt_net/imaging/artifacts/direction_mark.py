"""Find the scan-direction mark that Cirrus burns into its exports.

A white square with an arrow and the letters T, N, S, I. It discloses the laterality and lies over
tissue in some eyes. It is found by its square: straight white lines, one to three pixels wide, that
meet at corners, which tissue does not. Bright tissue behind the square hides up to a whole side of
it or halves of two, so one whole side and most of the others are enough.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from ctt_net.imaging.artifacts.fill import Box

_LINE_CONTRAST = 45  # grey levels above both sides of a line
_LINE_WHITE = 150
_MAX_RUNS = 400  # a picture with more straight lines is no scan; bounds the search
_APART = 3  # pixels between ends that meet
_MIN_SEEN = 2.75  # sides of the square, of 4
_MIN_LINE = 0.3  # share of a side or the arrow's shaft that must be seen to place it
_Run = tuple[int, int, int]


def find_mark(pixels: np.ndarray) -> Box | None:
    """Find the scan-direction square.

    Args:
        pixels: (H, W) uint8.
    """
    height = pixels.shape[0]
    shortest = max(24, round(0.05 * height))
    longest = round(0.4 * height)
    rows, columns = _unbroken(line_pixels(pixels, axis=0)), _unbroken(line_pixels(pixels, axis=1).T)
    across, down = (_long_runs(lines, shortest, longest) for lines in (rows, columns))
    for boxes in (_between_whole_sides(across, down), _beside_a_whole_side(across, down)):
        found = [one for box in boxes if (one := _fitted(rows, columns, box))]
        if found:
            return max(found, key=lambda one: one[0])[1]
    return None


def _between_whole_sides(across: list[_Run], down: list[_Run]) -> Iterator[Box]:
    for runs, turned in ((across, False), (down, True)):
        for i, (near, first, last) in enumerate(runs):
            side = last - first
            for far, first2, last2 in runs[i + 1 :]:
                alike = abs(first - first2) <= _APART and abs(last - last2) <= _APART
                if alike and 0.6 * side <= far - near <= 1.6 * side:
                    yield Box(near, first, far, last) if turned else Box(first, near, last, far)


def _beside_a_whole_side(across: list[_Run], down: list[_Run]) -> Iterator[Box]:
    for runs, turned in ((across, False), (down, True)):
        for row, first, last in runs:
            for near in (row - (last - first), row):
                far = near + last - first
                yield Box(near, first, far, last) if turned else Box(first, near, last, far)


def _fitted(rows: np.ndarray, columns: np.ndarray, box: Box) -> tuple[float, Box] | None:
    """How many of the four sides are seen, and the box with each where it is seen best."""
    if min(box.left, box.top) < 0 or box.right >= len(columns) or box.bottom >= len(rows):
        return None
    along, across = slice(box.left, box.right + 1), slice(box.top, box.bottom + 1)
    top, bottom = (_seen(rows[:, along], y) for y in (box.top, box.bottom))
    left, right = (_seen(columns[:, across], x) for x in (box.left, box.right))
    seen = sum(share for share, _ in (top, bottom, left, right))
    return (seen, Box(left[1], top[1], right[1], bottom[1])) if seen >= _MIN_SEEN else None


def _seen(lines: np.ndarray, row: int) -> tuple[float, int]:
    """The largest share of a row near this one that is line, and that row, if it is seen at all."""
    first = max(row - _APART, 0)
    shares = lines[first : row + _APART + 1].mean(axis=1)
    most = float(shares.max())
    return most, first + int(shares.argmax()) if most >= _MIN_LINE else row


def mark_lines(pixels: np.ndarray, box: Box) -> np.ndarray:
    """(H, W) bool: lines, arrow and number of the mark; the letters are `letter_cells`."""
    mask = np.zeros(pixels.shape, np.uint8)
    cv2.rectangle(mask, (box.left, box.top), (box.right, box.bottom), 1, 1)
    inside = (slice(box.top, box.bottom + 1), slice(box.left, box.right + 1))
    for axis in (0, 1):
        lines = line_pixels(pixels, axis)[inside].astype(np.uint8)
        mask[inside] |= lines
        lines = lines if axis == 0 else lines.T
        part = mask[inside] if axis == 0 else mask[inside].T
        middle = slice(len(lines) // 2 - _APART, len(lines) // 2 + _APART + 1)
        shaft = middle.start + int(lines[middle].sum(axis=1).argmax())
        if lines[shaft].mean() >= _MIN_LINE:
            part[shaft] = 1  # to its end: bright tissue hides some of it
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


def _unbroken(lines: np.ndarray) -> np.ndarray:
    """(H, W) uint8: lossy compression pricks single pixels out of a line."""
    return cv2.morphologyEx(lines.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))


def _long_runs(whole: np.ndarray, shortest: int, longest: int) -> list[_Run]:
    """(row, first, last) of each unbroken horizontal run of such a length, the first so many."""
    promising = np.flatnonzero(whole.sum(axis=1) >= shortest)
    change = np.diff(np.pad(whole[promising], ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(change == 1)
    rows = promising[rows]
    ends = np.nonzero(change == -1)[1]
    keep = (ends - starts >= shortest) & (ends - starts <= longest + 1)
    runs = (rows[keep].tolist(), starts[keep].tolist(), (ends[keep] - 1).tolist())
    return list(zip(*runs, strict=True))[:_MAX_RUNS]
