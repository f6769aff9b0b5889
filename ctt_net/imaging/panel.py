"""Find and cut the en-face panel that Heidelberg's picture export puts left of the B-scan.

The export is a square near-infrared (SLO) picture as high as the B-scan, 496x496 + 768x496 by
default. Sizes are only where to look; three things seen in the picture decide:

1. a seam: two neighbouring columns at the panel's right edge that have nothing in common;
2. the left part is no B-scan: its texture runs in every direction, a retina's runs across;
3. the right part is layered: its brightness changes down the picture, not along it.
"""

from dataclasses import dataclass

import cv2
import numpy as np

_MIN_RIGHT_SHARE = 0.5  # B-scan at least half as wide as high (512 x 496 and narrower exist)
_SEAM_SEARCH = 0.03  # of the height: separators and rounding of resized exports
_SEAM_TIMES = 4.0  # step at the seam over the usual step between columns
_LAYERED = 1.45  # vertical over horizontal gradient, see `layering`


@dataclass(frozen=True)
class Seam:
    """Where the panel ends, and how sure that is.

    Args:
        column: first column of the B-scan.
        step: seam's step over the median step between neighbouring columns.
        left_layering: `layering` of the left part.
        right_layering: `layering` of the right part.
    """

    column: int
    step: float
    left_layering: float
    right_layering: float

    @property
    def is_panel(self) -> bool:
        """Whether the left part is an en-face picture beside a B-scan."""
        return (
            self.step >= _SEAM_TIMES
            and self.left_layering < _LAYERED
            and self.right_layering > 1.25 * self.left_layering
        )


def find_panel(pixels: np.ndarray) -> Seam | None:
    """Measure the seam of a left panel, or None where there is no seam or no room for one.

    Args:
        pixels: (H, W) uint8.
    """
    height, width = pixels.shape
    reach = max(3, round(height * _SEAM_SEARCH))
    if width - height < height * _MIN_RIGHT_SHARE or width - height - reach < 2:
        return None
    smooth = cv2.blur(pixels, (1, 15)).astype(np.float32)
    steps = np.abs(np.diff(smooth, axis=1)).mean(axis=0)  # steps[i]: column i -> i + 1
    first = max(0, height - reach - 1)
    near = steps[first : height + reach]
    column = first + int(near.argmax()) + 1
    step = float(near.max()) / (float(np.median(steps)) + 0.25)
    if step < _SEAM_TIMES:
        return None
    return Seam(
        column=column,
        step=step,
        left_layering=layering(pixels[:, : column - 2]),
        right_layering=layering(pixels[:, column + 2 :]),
    )


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
