"""Detect a B-scan that is upside down or has inverted grey levels; it is noted, never changed."""

import cv2
import numpy as np

from ctt_net.imaging.retina import brightest_path, smooth_copy

_SURE = 0.65  # share of columns that must be inverted


def is_inverted(pixels: np.ndarray) -> bool:
    """Whether the greys are inverted: dark tissue on a bright ground.

    Of any B-scan the brightest line across stands out from the ground by more than the darkest,
    and most of the picture is dark. 110 real and 160 simulated scans had lines of 3 and more
    times the height and a skewness above 1; their negatives 0.3 at most, and below -1.

    Args:
        pixels: (H, W) uint8.
    """
    smooth = smooth_copy(pixels)
    away = smooth - smooth.mean()
    if float((away * away * away).mean()) >= 0:  # skewness, by far the cheaper of both
        return False
    columns = np.arange(smooth.shape[1])
    ground = float(np.median(smooth))
    bright = float(np.median(smooth[brightest_path(smooth), columns])) - ground
    dark = ground - float(np.median(smooth[brightest_path(255 - smooth), columns]))
    return dark > 2 * bright


def is_upside_down(pixels: np.ndarray) -> bool:
    """Whether the choroid lies above the retina.

    Light meets a retina out of dark vitreous: the inner border is sharp. Below, the choroid
    fades away slowly. Columns vote on which end of the tissue is the sharp one.

    Args:
        pixels: (H, W) uint8.
    """
    small = cv2.resize(pixels, (96, 128), interpolation=cv2.INTER_AREA).astype(np.float32)
    smooth = cv2.GaussianBlur(small, (0, 0), sigmaX=3.0, sigmaY=1.0)
    low = np.percentile(smooth, 25, axis=0)
    high = smooth.max(axis=0)
    if float(np.median(high - low)) < 10:
        return False
    relative = (smooth - low) / np.maximum(high - low, 1.0)
    above = _edge_length(relative)
    below = _edge_length(relative[::-1])
    clear = above != below
    return bool(clear.any() and (above > below)[clear].mean() >= _SURE)


def _edge_length(relative: np.ndarray) -> np.ndarray:
    """(W,) rows from the last background to half the maximum, coming from the top."""
    bright = (relative >= 0.5).argmax(axis=0)
    rows = np.arange(relative.shape[0])[:, None]
    dark = (relative < 0.12) & (rows <= bright[None, :])
    last_dark = np.where(dark.any(axis=0), relative.shape[0] - 1 - dark[::-1].argmax(axis=0), 0)
    return bright - last_dark
