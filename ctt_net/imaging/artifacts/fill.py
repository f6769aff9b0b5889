"""Boxes and masks of artifacts, and how they are filled from what surrounds them."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, both ends inclusive; it may reach over the picture's edge."""

    left: int
    top: int
    right: int
    bottom: int


def box_mask(shape: tuple[int, ...], boxes: list[Box]) -> np.ndarray:
    """(H, W) bool of the boxes."""
    mask = np.zeros(shape, bool)
    for box in boxes:
        mask[max(box.top, 0) : box.bottom + 1, max(box.left, 0) : box.right + 1] = True
    return mask


def fill_along(pixels: np.ndarray, boxes: list[Box]) -> np.ndarray:
    """Fill whole boxes by interpolating each row across, as the layers of the retina run.

    Args:
        pixels: (H, W) uint8.
        boxes: what to fill.
    """
    result = pixels.copy()
    height, width = pixels.shape
    for box in boxes:
        left, right = max(box.left, 0), min(box.right + 1, width)
        top, bottom = max(box.top, 0), min(box.bottom + 1, height)
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
    return cv2.inpaint(np.ascontiguousarray(pixels), mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)


def blacken(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Set the mask to the grey of the scan's own background."""
    result = pixels.copy()
    result[mask] = np.uint8(np.percentile(pixels[~mask], 20))
    return result


def dilated(mask: np.ndarray) -> np.ndarray:
    """A mask with two pixels around it, for its blurred border."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
