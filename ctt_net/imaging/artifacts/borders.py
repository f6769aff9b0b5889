"""Find bright bars with dark writing that an export puts above or below the scan."""

import cv2
import numpy as np

from ctt_net.imaging.artifacts.direction_mark import Box

_BRIGHT = 100  # grey levels
_FLAT = 6  # grey levels around the bar's own: lossy compression near letters
_PAPER = 0.6  # share of every row that is bare
_SHORTEST = 8  # rows
_TALLEST = 0.25  # of the picture's height
_INK = 0.004  # share of a bar's pixels: without writing it is padding
_INK_CONTRAST = 50


def find_bars(pixels: np.ndarray) -> list[Box]:
    """Boxes of bright, flat bars with writing along the upper or lower edge.

    Args:
        pixels: (H, W) uint8.
    """
    height, width = pixels.shape
    bars = []
    rows = _bar_rows(pixels)
    if rows:
        bars.append(Box(0, 0, width - 1, rows - 1))
    rows = _bar_rows(pixels[::-1])
    if rows:
        bars.append(Box(0, height - rows, width - 1, height - 1))
    return bars


def _bar_rows(pixels: np.ndarray) -> int:
    """How many rows from the first on are a bar; 0 without one."""
    level = int(np.median(pixels[0]))
    if level < _BRIGHT:
        return 0
    most = round(_TALLEST * pixels.shape[0])
    away = np.abs(pixels[: most + 1].astype(np.int16) - level)
    bare = away <= _FLAT
    whole = (bare.mean(axis=1) >= _PAPER) & bare[:, :2].all(axis=1) & bare[:, -2:].all(axis=1)
    rows = len(whole) if whole.all() else int(whole.argmin())
    if not _SHORTEST <= rows <= most:
        return 0
    return rows if (away[:rows] >= _INK_CONTRAST).mean() >= _INK else 0


_WHITE = 250
_THICKNESS = 11  # pixels: no layer of a retina is purely white over so large a square
_MIN_SHARE = 0.002


def white_margin(pixels: np.ndarray) -> np.ndarray | None:
    """(H, W) bool of padding, or None; only thick pure white that holds a corner counts.

    Args:
        pixels: (H, W) uint8.
    """
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    if (corners < _WHITE).all():
        return None
    white = (pixels >= _WHITE).astype(np.uint8)
    square = np.ones((_THICKNESS, _THICKNESS), np.uint8)
    thick = cv2.morphologyEx(white, cv2.MORPH_OPEN, square, borderType=cv2.BORDER_REPLICATE)
    labels = cv2.connectedComponents(thick, connectivity=4)[1]
    at_corners = labels[[0, 0, -1, -1], [0, -1, 0, -1]]
    mask = np.isin(labels, at_corners[at_corners > 0])
    if mask.mean() < _MIN_SHARE or mask.mean() > 0.6:
        return None
    return cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)


def blacken(pixels: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """Give the padding the grey of the scan's own background."""
    result = pixels.copy()
    result[margin] = np.uint8(np.percentile(pixels[~margin], 20))
    return result
