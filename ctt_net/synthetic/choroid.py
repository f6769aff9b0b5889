"""The choroid: vessels fixed in space, so that every view meets the same ones, and their light."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from ctt_net.synthetic.anatomy import Build
from ctt_net.synthetic.macula import Section

Image = NDArray[np.float32]
Floats = NDArray[np.float64]
Block = NDArray[np.float32]

HALF_SIDE_MM = 5.2

# Cells of the two blocks, mm across and µm deep, and how deep they go: large vessels (Haller's
# layer) all the way, small ones (Sattler's) below Bruch's membrane.
LARGE_CELL = (0.16, 24.0, 18)
SMALL_CELL = (0.08, 16.0, 9)

SMALL_VESSELS_UM = 70.0
TABLE_STEP_UM = 4.0
# Rows of the flat choroid; the thickest choroid (400 um) has faded out above the last one.
ROW_UM, ROWS = 5.0, 96


def add_choroid(
    section: Section, build: Build, image: Image, height: Image, reach_um: float
) -> None:
    """Add the choroid: a decay with dark vessels in it, and more light where pigment is lost.

    Args:
        section: Gives the places, the pigment and the hole above.
        build: Gives the vessels and the thickness of the choroid.
        image: (H, W), brightness; changed in place.
        height: (H, W), height above Bruch's membrane, µm.
        reach_um: Depth at which the light has faded to a third.
    """
    first = int(np.searchsorted(-height.min(axis=1), -4.0))
    if first >= height.shape[0]:
        return
    depth = -height[first:]
    vessels = _follow(_vessels(section, build), depth)
    light = _decay(depth, reach_um) * (1.0 + 0.35 * vessels)
    through = np.minimum(
        1.0 - section.pigment + 0.22 * _smooth_step(1.25 - section.hole_ratio), 1.0
    )
    if through.any():
        light *= (1.0 + 0.75 * through).astype(np.float32)[None]
    light *= np.clip(depth / 6.0 + 0.5, 0.0, 1.0)
    image[first:] += light


def _vessels(section: Section, build: Build) -> Image:
    """Brightness of the vessels around 0 in a flat choroid: one row per `ROW_UM` of depth."""
    large, small = choroid_sections(build, section.x_mm, section.y_mm)
    depth = (np.arange(ROWS, dtype=np.float32) * np.float32(ROW_UM))[:, None]
    in_small = np.exp(-np.square(depth / np.float32(SMALL_VESSELS_UM)))
    vessels = in_small * (0.9 * _stretch(small, SMALL_CELL[1]))
    vessels += (1.0 - in_small) * np.tanh(1.6 * _stretch(large, LARGE_CELL[1]) + 0.3)
    vessels *= np.clip((np.float32(build.choroid_um) - depth) / 70.0 + 0.5, 0.0, 1.0)
    vessels *= np.clip(depth / 20.0, 0.0, 1.0)
    return np.asarray(vessels, dtype=np.float32)


def _stretch(cells: Block, cell_um: float) -> Image:
    """Spread a section in cells over the rows of the flat choroid."""
    rows = np.minimum(np.arange(ROWS) * (ROW_UM / cell_um), cells.shape[0] - 1.0)
    above = np.minimum(rows.astype(int), cells.shape[0] - 2)
    share = (rows - above).astype(np.float32)[:, None]
    return cells[above] * (1.0 - share) + cells[above + 1] * share


def _follow(flat: Image, depth: Image) -> Image:
    """Lay the flat choroid under Bruch's membrane; nothing above and below it."""
    across = np.empty_like(depth)
    across[:] = np.arange(depth.shape[1], dtype=np.float32)[None]
    down = depth * np.float32(1.0 / ROW_UM)
    laid = cv2.remap(flat, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(laid, dtype=np.float32)


def _decay(depth: Image, reach_um: float) -> Image:
    """Brightness by depth: bright under the pigment epithelium, then a slow fall."""
    table = np.arange(0.0, 4000.0, TABLE_STEP_UM)
    fall = 60.0 * np.exp(-table / 32.0) + 60.0 * np.exp(-((table / reach_um) ** 1.35))
    index = np.clip(depth * np.float32(1.0 / TABLE_STEP_UM), 0, table.size - 1)
    return np.take(fall.astype(np.float32), index.astype(np.int32))


def _smooth_step(value: NDArray[np.float64]) -> NDArray[np.float64]:
    rise = np.clip(value / 0.5, 0.0, 1.0)
    return rise * rise * (3.0 - 2.0 * rise)


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
