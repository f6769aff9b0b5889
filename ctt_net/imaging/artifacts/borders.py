"""Bars with text and white padding along the borders of a scan."""

import cv2
import numpy as np

from ctt_net.imaging.artifacts.fill import Box

_BRIGHT = 100  # grey levels
_FLAT = 6  # grey levels around the bar's own: lossy compression near letters
_PAPER = 0.6  # share of every row that is bare
_SHORTEST = 8  # rows
_TALLEST = 0.25  # of the picture's height
_INK = 0.004  # share of a bar's pixels: without text it is padding
_INK_CONTRAST = 50
_WHITE = 250
_THICKNESS = 11  # pixels: no layer of a retina is purely white over so large a square
_MIN_SHARE, _MAX_SHARE = 0.002, 0.6


def find_bars(pixels: np.ndarray) -> list[Box]:
    """Boxes of bright, flat bars with dark text along the upper or lower edge.

    Args:
        pixels: (H, W) uint8.
    """
    height, width = pixels.shape
    upper, lower = _bar_rows(pixels), _bar_rows(pixels[::-1])
    bars = [Box(0, 0, width - 1, upper - 1)] if upper else []
    return bars + ([Box(0, height - lower, width - 1, height - 1)] if lower else [])


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


def white_margin(pixels: np.ndarray) -> np.ndarray | None:
    """(H, W) bool of white padding, or None.

    Registered Spectralis scans (as in the Kermany set) are padded with pure white where the
    shifted scan ends; it would be the brightest tissue of the picture. Only thick pure white that
    holds a corner counts.

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
    if not _MIN_SHARE <= mask.mean() <= _MAX_SHARE:
        return None
    return cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
