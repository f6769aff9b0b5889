"""Find the band of the retina in a B-scan.

The bright outer layers (ellipsoid zone and pigment epithelium) form the longest bright line
across the picture. The brightest smooth path from left to right finds it through noise, tilt,
shadows and holes; the retina's inner border is where tissue above that path ends.
"""

from dataclasses import dataclass

import cv2
import numpy as np

_WIDTH, _HEIGHT = 96, 128
_MAX_CLIMB = 3  # rows of the small picture per column: up to about 45 degrees on screen
_CLIMB_COST = 0.04
_MIN_CONTRAST = 8.0  # grey levels between the path and the background
_MIN_RATIO = 3.0  # the same in units of the background's spread


@dataclass(frozen=True)
class RetinaBand:
    """Rows of the whole picture that the retina occupies.

    Args:
        top: row of the highest inner border (0 = top of the picture), in pixels.
        bottom: row of the lowest outer border, in pixels.
    """

    top: float
    bottom: float


@dataclass(frozen=True)
class Outline:
    """The retina's borders in a small copy of the picture.

    Args:
        inner: (96,) row of the inner border at each column.
        path: (96,) row of the bright outer layers.
        rows: height of the small copy.
    """

    inner: np.ndarray
    path: np.ndarray
    rows: int = _HEIGHT


def find_retina(pixels: np.ndarray) -> RetinaBand | None:
    """Find the rows that the retina takes, or None where the picture shows none.

    Args:
        pixels: (H, W) uint8 B-scan, vitreous at the top.
    """
    outline = outline_retina(pixels)
    if outline is None:
        return None
    scale = pixels.shape[0] / outline.rows
    return RetinaBand(
        top=float(np.percentile(outline.inner, 3)) * scale,
        bottom=(float(np.percentile(outline.path, 98)) + 1) * scale,
    )


def outline_retina(pixels: np.ndarray) -> Outline | None:
    """Find the retina's borders, or None where the picture shows none.

    Args:
        pixels: (H, W) uint8 B-scan, vitreous at the top.
    """
    smooth = smooth_copy(pixels)
    background = float(np.percentile(smooth, 25))
    path = brightest_path(smooth)
    on_path = smooth[path, np.arange(_WIDTH)]
    contrast = float(np.median(on_path)) - background
    spread = 1.4826 * float(np.median(np.abs(smooth[smooth <= np.median(smooth)] - background)))
    if contrast < max(_MIN_CONTRAST, _MIN_RATIO * spread):
        return None
    return Outline(inner_border(smooth, path, background + 0.22 * contrast), path)


def smooth_copy(pixels: np.ndarray) -> np.ndarray:
    """(128, 96) float32: small and without speckle."""
    small = cv2.resize(pixels, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small.astype(np.float32), (0, 0), sigmaX=2.0, sigmaY=1.2)


def brightest_path(smooth: np.ndarray) -> np.ndarray:
    """(W,) rows of the path of greatest brightness, found by dynamic programming."""
    gain = smooth / max(float(smooth.max()), 1.0)
    height, width = gain.shape
    moves = np.arange(-_MAX_CLIMB, _MAX_CLIMB + 1)
    cost = np.float32(_CLIMB_COST) * np.abs(moves, dtype=np.float32)[:, None]
    columns = np.ascontiguousarray(gain.T)
    totals = np.full((width, height + 2 * _MAX_CLIMB), -np.inf, np.float32)
    totals[0, _MAX_CLIMB:-_MAX_CLIMB] = columns[0]
    reachable = np.lib.stride_tricks.sliding_window_view(totals, height, axis=1)  # follows `totals`
    for x in range(1, width):
        options = reachable[x - 1] - cost
        np.add(options.max(axis=0), columns[x], out=totals[x, _MAX_CLIMB:-_MAX_CLIMB])
    path = np.empty(width, np.int64)
    path[-1] = int(totals[-1].argmax()) - _MAX_CLIMB
    for x in range(width - 1, 0, -1):
        near = totals[x - 1, path[x] : path[x] + len(moves)] - cost[:, 0]
        path[x - 1] = path[x] + int(near.argmax()) - _MAX_CLIMB
    return path


def inner_border(smooth: np.ndarray, path: np.ndarray, level: float) -> np.ndarray:
    """(W,) row where the tissue that hangs together with the path begins.

    Cysts are dark, so gaps up to an eighth of the picture are bridged if tissue lies above them;
    a detached vitreous membrane is thinner than tissue and does not count.
    """
    above = (smooth > level).astype(np.uint8)
    tissue = cv2.morphologyEx(above, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    closed = cv2.morphologyEx(tissue, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    columns = np.arange(len(path))
    closed[path, columns] = 1
    labels = cv2.connectedComponents(closed, connectivity=8)[1]
    wanted = np.isin(labels, np.unique(labels[path, columns]))
    wanted &= np.arange(smooth.shape[0])[:, None] <= path[None, :]
    return np.where(wanted.any(axis=0), wanted.argmax(axis=0), path)
