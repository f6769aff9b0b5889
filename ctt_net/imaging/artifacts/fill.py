"""Fill places of a B-scan from what surrounds them."""

import cv2
import numpy as np

from ctt_net.imaging.artifacts.direction_mark import Box


def fill_along(pixels: np.ndarray, cells: list[Box]) -> np.ndarray:
    """Fill whole cells by drawing each row across, as the layers of the retina run.

    Args:
        pixels: (H, W) uint8.
        cells: rectangles, which may reach over the picture's edge.
    """
    result = pixels.copy()
    height, width = pixels.shape
    for cell in cells:
        left, right = max(cell.left, 0), min(cell.right + 1, width)
        top, bottom = max(cell.top, 0), min(cell.bottom + 1, height)
        if left >= right or top >= bottom or right - left == width:
            continue
        rows = cv2.blur(result[top:bottom].astype(np.float32), (1, 3))
        sides = [rows[:, max(0, left - 4) : left], rows[:, right : right + 4]]
        ends = [side.mean(axis=1) for side in sides if side.shape[1]]
        first, last = ends[0], ends[-1]
        share = (np.arange(right - left) + 1) / (right - left + 1)
        drawn = first[:, None] * (1 - share) + last[:, None] * share
        result[top:bottom, left:right] = np.rint(drawn).astype(np.uint8)
    return result


def fill_mask(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fill the mask from its surroundings (Telea 2004, doi 10.1080/10867651.2004.10487596)."""
    return cv2.inpaint(pixels, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)


def grown(marks: np.ndarray) -> np.ndarray:
    """Marks with two pixels around them, which hold their blurred border."""
    return cv2.dilate(marks.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
