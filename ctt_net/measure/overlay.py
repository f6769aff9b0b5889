"""A scan with its surfaces and lesions drawn over it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.biomarkers import Measures
from ctt_net.imaging.segmentation import LESIONS, SURFACES, Segmentation

Picture = NDArray[np.uint8]

# Red, green, blue; in the order of the legend of a page.
_SURFACE_RGB = (
    (255, 214, 10), (255, 159, 67), (130, 224, 255), (84, 160, 255), (120, 111, 230),
    (255, 107, 107), (255, 107, 107), (46, 213, 115), (200, 214, 229),
)  # fmt: skip
_LESION_RGB = (
    (255, 60, 60), (60, 140, 255), (255, 0, 255), (255, 120, 255), (255, 140, 0), (0, 230, 120),
)  # fmt: skip
SURFACE_COLOURS = dict(zip(SURFACES, _SURFACE_RGB, strict=True))
LESION_COLOURS = dict(zip(LESIONS, _LESION_RGB, strict=True))
MARK = (255, 255, 255)
_SUBPIXEL_BITS = 4
_OPACITY = 0.45


def draw_overlay(pixels: Picture, segmentation: Segmentation, measures: Measures) -> Picture:
    """Draw surfaces, lesions, the foveal centre and the width of a hole.

    Args:
        pixels: (H, W) grey.
        segmentation: Of it.
        measures: Of it.

    Returns:
        (H, W, 3) red, green, blue.
    """
    picture = np.repeat(pixels[..., None], 3, axis=2)
    for name, colour in LESION_COLOURS.items():
        where = segmentation.lesion(name) & segmentation.visible
        tint = np.array(colour, np.float32)
        picture[where] = (1.0 - _OPACITY) * picture[where] + _OPACITY * tint
    scale = 2**_SUBPIXEL_BITS
    seen = np.flatnonzero(segmentation.visible & np.isfinite(segmentation.surfaces).all(axis=0))
    for name, colour in SURFACE_COLOURS.items():
        points = np.stack([seen, segmentation.surface(name)[seen]], axis=1)
        points = np.rint(np.clip(points, -1e4, 1e4) * scale).astype(np.int32)[:, None]
        cv2.polylines(picture, [points], False, colour, 1, cv2.LINE_AA, _SUBPIXEL_BITS)
    if measures.fovea is not None:
        column = round(measures.fovea)
        cv2.line(picture, (column, 0), (column, pixels.shape[0] // 16), MARK, 1)
        if measures.hole is not None:
            rpe = segmentation.surface("rpe")[min(max(column, 0), pixels.shape[1] - 1)]
            row = round(float(rpe) - measures.hole.narrowest_rows)
            ends = (round(measures.hole.left), row), (round(measures.hole.right) - 1, row)
            cv2.line(picture, *ends, MARK, 1)
    return picture


def as_png(picture: Picture) -> bytes:
    """An RGB picture as PNG."""
    return cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
