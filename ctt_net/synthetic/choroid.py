"""Light from below Bruch's membrane."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.synthetic.anatomy import Build
from ctt_net.synthetic.macula import Section
from ctt_net.synthetic.vessels import LARGE_CELL, SMALL_CELL, Block, choroid_sections

Image = NDArray[np.float32]

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
