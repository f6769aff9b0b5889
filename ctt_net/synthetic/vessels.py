"""Retinal vessels and the choroid: fixed in space, so that every view meets the same ones."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from ctt_net.synthetic.anatomy import Build

Floats = NDArray[np.float64]
Block = NDArray[np.float32]

HALF_SIDE_MM = 5.2

# Cells of the two blocks, mm across and µm deep, and how deep they go: large vessels (Haller's
# layer) all the way, small ones (Sattler's) below Bruch's membrane.
LARGE_CELL = (0.16, 24.0, 18)
SMALL_CELL = (0.08, 16.0, 9)


def retinal_vessels(build: Build, x_mm: Floats, y_mm: Floats) -> Floats:
    """How much of each A-scan a retinal vessel covers, 0..1.

    Arcades above and below, branches towards the fovea, none within 0.35 mm of it.
    """
    rng = np.random.default_rng((*build.seed, 1))
    shade = np.zeros_like(x_mm)
    clear = np.clip((np.hypot(x_mm, y_mm) - 0.35) / 0.15, 0.0, 1.0)
    for index in range(20):
        arcade = index < 4
        free = clear
        # Oblique to both scans: one that ran along a scan would shade half of it.
        angle = (rng.uniform(0.13, 0.37) + 0.5 * rng.integers(2)) * np.pi
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
            begun = np.clip((along * rng.choice((-1.0, 1.0)) - start) / 0.5, 0.0, 1.0)
            free = clear * begun
        dark = 1.0 if arcade else rng.uniform(0.15, 0.9)
        shade = np.maximum(shade, dark * np.exp(-((across / radius) ** 2)) * free)
    return shade


@lru_cache(maxsize=2)
def choroid_blocks(build: Build) -> tuple[Block, Block]:
    """Large and small vessels of the choroid, (x, y, depth) around 0, SD 1; dark = lumen."""
    rng = np.random.default_rng((*build.seed, 2))
    blocks = []
    for (cell_mm, _, depths), lateral, axial in ((LARGE_CELL, 0.75, 1.1), (SMALL_CELL, 0.55, 0.8)):
        side = int(2 * HALF_SIDE_MM / cell_mm)
        block = rng.standard_normal((side, side, depths), dtype=np.float32)
        blocks.append(_smooth(block, lateral, axial))
    return blocks[0], blocks[1]


def _smooth(block: Block, lateral: float, axial: float) -> Block:
    """Blur a block along its three axes and give it an SD of 1."""
    side, _, depths = block.shape
    rows = cv2.GaussianBlur(block.reshape(side * side, depths), (0, 1), axial, sigmaY=0.001)
    rows = cv2.GaussianBlur(rows.reshape(side, side * depths), (1, 0), 0.001, sigmaY=lateral)
    turned = rows.reshape(side, side, depths).transpose(1, 0, 2).reshape(side, side * depths)
    turned = cv2.GaussianBlur(turned, (1, 0), 0.001, sigmaY=lateral)
    smooth = turned.reshape(side, side, depths).transpose(1, 0, 2)
    return smooth / smooth.std()


def choroid_sections(build: Build, x_mm: Floats, y_mm: Floats) -> tuple[Block, Block]:
    """Cut large and small vessels along a line: (depth cells, A-scans) each."""
    large, small = choroid_blocks(build)
    return _cut(large, LARGE_CELL[0], x_mm, y_mm), _cut(small, SMALL_CELL[0], x_mm, y_mm)


def _cut(block: Block, cell_mm: float, x_mm: Floats, y_mm: Floats) -> Block:
    """Sample a block under every place of a line."""
    depths = np.arange(block.shape[2], dtype=np.float64)[:, None] * np.ones_like(x_mm)[None]
    places = [
        np.broadcast_to((x_mm + HALF_SIDE_MM) / cell_mm, depths.shape),
        np.broadcast_to((y_mm + HALF_SIDE_MM) / cell_mm, depths.shape),
        depths,
    ]
    section = map_coordinates(block, places, order=1, mode="nearest", prefilter=False)
    return np.asarray(section, dtype=np.float32)
