"""Find the en-face panel that Heidelberg's picture export puts left or right of the B-scan.

The export is a square near-infrared (SLO) picture as high as the B-scan, 496x496 + 768x496 by
default. Sizes only say where to search; three properties of the picture decide:

1. a seam: two neighbouring columns at the panel's edge that have nothing in common;
2. the panel is no B-scan: its texture runs in every direction, a retina's runs across;
3. the other part is layered: its brightness changes down the picture, not along it.
"""

import cv2
import numpy as np

_MIN_RIGHT_SHARE = 0.5  # B-scan at least half as wide as high (512 x 496 and narrower exist)
_SEAM_SEARCH = 0.03  # of the height: separators and rounding of resized exports
_SEAM_TIMES = 4.0  # step at the seam over the usual step between columns
_LAYERED = 1.45  # vertical over horizontal gradient, see `layering`


def find_panel(pixels: np.ndarray) -> slice | None:
    """Columns of the B-scan beside a panel, or None where there is no panel.

    Args:
        pixels: (H, W) uint8.
    """
    height, width = pixels.shape
    if width - height < height * _MIN_RIGHT_SHARE:
        return None
    smooth = cv2.blur(pixels, (1, 15))
    change = cv2.absdiff(smooth[:, 1:], smooth[:, :-1])
    steps = cv2.reduce(change, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F)[0] / np.float32(height)
    column = _end_of_left_panel(pixels, steps)
    if column is not None:
        return slice(column, width)
    column = _end_of_left_panel(pixels[:, ::-1], steps[::-1])
    return None if column is None else slice(0, width - column)


def _end_of_left_panel(pixels: np.ndarray, steps: np.ndarray) -> int | None:
    """First column behind a panel at the left; steps[i]: mean change from column i to i + 1."""
    height, width = pixels.shape
    reach = max(3, round(height * _SEAM_SEARCH))
    if width - height - reach < 2:
        return None
    first = max(0, height - reach - 1)
    near = steps[first : height + reach]
    column = first + int(near.argmax()) + 1
    if float(near.max()) < _SEAM_TIMES * (float(np.median(steps)) + 0.25):
        return None
    whole = np.ascontiguousarray(pixels)
    panel, bscan = layering(whole[:, : column - 2]), layering(whole[:, column + 2 :])
    return column if panel < _LAYERED and bscan > 1.25 * panel else None


def layering(pixels: np.ndarray) -> float:
    """How much more brightness changes down the picture than along it.

    About 1 in an en-face picture, 2 to 6 in a B-scan, whose layers lie across. Measured on a
    blurred picture, so that speckle (equal in all directions) does not hide it.

    Args:
        pixels: (H, W) uint8.
    """
    scale = 192 / max(pixels.shape)
    size = (max(16, round(pixels.shape[1] * scale)), max(16, round(pixels.shape[0] * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    smooth = cv2.GaussianBlur(small, (0, 0), 2.0)[3:-3, 3:-3]
    down, along = np.abs(np.diff(smooth, axis=0)).mean(), np.abs(np.diff(smooth, axis=1)).mean()
    return float((down + 0.02) / (along + 0.02))
