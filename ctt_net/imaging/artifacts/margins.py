"""Find the white wedges that motion correction leaves along a scan's border.

Registered Spectralis scans (as in the Kermany set) are padded with pure white where the shifted
scan ends. To every later step that would be the brightest tissue of the picture.
"""

import cv2
import numpy as np

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
