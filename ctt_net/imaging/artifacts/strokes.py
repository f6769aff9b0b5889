"""Thin bright strokes of a picture: what text, rulers and thin tissue have in common."""

from dataclasses import dataclass

import cv2
import numpy as np

# A stroke stands out from what a 9 pixel square leaves of the picture: letters 32 pixels high
# have strokes of 6 at most.
_OPENING = np.ones((9, 9), np.uint8)
_FAINT = 45  # grey levels above the surroundings: a pixel of a stroke
CLEAR = 66  # reached by the brightest 15 % of a stroke's pixels
_CLEAR_SHARE = 0.15
_LEAST_HEIGHT = 5
_MANY = 60_000  # more labels than 16 bits hold


@dataclass(frozen=True, eq=False)
class Strokes:
    """Connected thin bright parts of a picture, those of clear contrast only.

    Args:
        left, top, right, bottom: (N,) their boxes, in pixels, ends inclusive.
        area: (N,) number of pixels.
        runs: (N,) how many horizontal runs the pixels form: height times upright strokes.
        labels: (H, W) number of the part a pixel belongs to, of all parts.
        names: (N,) the part's number in `labels`.
        rise: (H, W) uint8 grey levels above the surroundings.
    """

    left: np.ndarray
    top: np.ndarray
    right: np.ndarray
    bottom: np.ndarray
    area: np.ndarray
    runs: np.ndarray
    labels: np.ndarray
    names: np.ndarray
    rise: np.ndarray

    @property
    def height(self) -> np.ndarray:
        """(N,) rows."""
        return self.bottom - self.top + 1

    @property
    def width(self) -> np.ndarray:
        """(N,) columns."""
        return self.right - self.left + 1

    def pixels(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(rows, columns) of one part's pixels."""
        top, left = int(self.top[index]), int(self.left[index])
        window = self.labels[top : self.bottom[index] + 1, left : self.right[index] + 1]
        rows, columns = np.nonzero(window == self.names[index])
        return rows + top, columns + left


def find_strokes(pixels: np.ndarray) -> Strokes:
    """Find the thin bright parts of clear contrast.

    Args:
        pixels: (H, W) uint8.
    """
    rise = cv2.subtract(pixels, cv2.morphologyEx(pixels, cv2.MORPH_OPEN, _OPENING))
    faint = cv2.threshold(rise, _FAINT, 1, cv2.THRESH_BINARY)[1]
    starts = faint.copy()
    starts[:, 1:] = cv2.subtract(faint[:, 1:], faint[:, :-1])
    start_rows, start_columns = _places(starts)
    kind = cv2.CV_16U if len(start_rows) < _MANY else cv2.CV_32S
    count, labels, stats, _ = cv2.connectedComponentsWithStats(faint, connectivity=8, ltype=kind)
    runs = np.bincount(labels[start_rows, start_columns], minlength=count)
    clear_rows, clear_columns = _places(cv2.threshold(rise, CLEAR, 1, cv2.THRESH_BINARY)[1])
    clear = np.bincount(labels[clear_rows, clear_columns], minlength=count)
    area = stats[:, cv2.CC_STAT_AREA]
    longest = np.maximum(stats[:, cv2.CC_STAT_HEIGHT], stats[:, cv2.CC_STAT_WIDTH])
    keep = (clear >= _CLEAR_SHARE * area) & (longest >= _LEAST_HEIGHT)
    keep[0] = False
    names = np.flatnonzero(keep)
    left, top, width, height, area = stats[names].T
    return Strokes(
        left, top, left + width - 1, top + height - 1, area, runs[names], labels, names, rise
    )


def _places(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = cv2.findNonZero(mask)
    if found is None:
        return np.zeros(0, int), np.zeros(0, int)
    columns, rows = found.reshape(-1, 2).T  # OpenCV 4 gives (N, 1, 2), 5 gives (N, 2)
    return rows, columns
