"""Retinal vessels and the choroid: fixed in space, so that every view meets the same ones."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from ctt_net.phantom.anatomy import Build

Floats = NDArray[np.float64]

HALF_SIDE_MM = 5.2
CELL_MM = 0.09
CELL_UM = 22.0
DEPTHS = 20


def retinal_vessels(build: Build, x_mm: Floats, y_mm: Floats) -> Floats:
    """How much of each A-scan a retinal vessel covers, 0..1.

    Arcades above and below, branches towards the fovea, none within 0.35 mm of it.
    """
    rng = np.random.default_rng((*build.seed, 1))
    shade = np.zeros_like(x_mm)
    free = np.clip((np.hypot(x_mm, y_mm) - 0.35) / 0.15, 0.0, 1.0)
    for index in range(26):
        arcade = index < 4
        angle = rng.uniform(0.0, np.pi)
        offset = rng.uniform(2.3, 3.6) * rng.choice((-1.0, 1.0)) if arcade else rng.normal(0, 2.2)
        if arcade:  # parabola open towards the temporal side
            across = y_mm - offset * (1.0 - 0.02 * (x_mm + 1.0) ** 2)
            radius = rng.uniform(0.05, 0.075)
        else:
            along = x_mm * np.cos(angle) + y_mm * np.sin(angle)
            across = -x_mm * np.sin(angle) + y_mm * np.cos(angle) - offset
            across = across + 0.18 * np.sin(along * rng.uniform(0.8, 1.6) + angle * 7.0)
            radius = rng.uniform(0.012, 0.032)
            start = rng.normal(0.0, 2.0)
            across = np.where(along * rng.choice((-1.0, 1.0)) > start, across, 9.0)
        shade = np.maximum(shade, np.exp(-((across / radius) ** 2)) * free)
    return shade


@lru_cache(maxsize=2)
def choroid_volume(build: Build) -> NDArray[np.float32]:
    """Brightness of the choroid around 0 in a block of cells, (x, y, depth): dark vessel lumens."""
    rng = np.random.default_rng((*build.seed, 2))
    side = int(2 * HALF_SIDE_MM / CELL_MM)
    coarse = rng.standard_normal((side, side, DEPTHS), dtype=np.float32)
    fine = rng.standard_normal((side, side, DEPTHS), dtype=np.float32)
    # Big vessels below, small ones above.
    coarse = _smooth(coarse, 1.15, 1.5)
    fine = _smooth(fine, 0.6, 0.7)
    depth = np.linspace(0.0, 1.0, DEPTHS, dtype=np.float32)
    share = np.clip((depth - 0.12) / 0.3, 0.0, 1.0)
    return (share * np.tanh(1.1 * coarse) + (1.0 - 0.75 * share) * 0.6 * fine).astype(np.float32)


def _smooth(block: NDArray[np.float32], lateral: float, axial: float) -> NDArray[np.float32]:
    """Blur a block along its three axes and give it an SD of 1."""
    side, _, depths = block.shape
    rows = cv2.GaussianBlur(block.reshape(side * side, depths), (0, 1), axial, sigmaY=0.001)
    rows = cv2.GaussianBlur(rows.reshape(side, side * depths), (1, 0), 0.001, sigmaY=lateral)
    turned = rows.reshape(side, side, depths).transpose(1, 0, 2).reshape(side, side * depths)
    turned = cv2.GaussianBlur(turned, (1, 0), 0.001, sigmaY=lateral)
    smooth = turned.reshape(side, side, depths).transpose(1, 0, 2)
    return smooth / smooth.std()


def choroid_section(build: Build, x_mm: Floats, y_mm: Floats) -> NDArray[np.float32]:
    """Cut the choroid along a line: (DEPTHS, A-scans), one row per `CELL_UM` below Bruch's."""
    volume = choroid_volume(build)
    cells = np.arange(DEPTHS, dtype=np.float64)[:, None]
    column = np.ones_like(cells)
    places = [
        column * ((x_mm + HALF_SIDE_MM) / CELL_MM)[None],
        column * ((y_mm + HALF_SIDE_MM) / CELL_MM)[None],
        cells * np.ones_like(x_mm)[None],
    ]
    return map_coordinates(volume, places, order=1, mode="nearest", prefilter=False)
