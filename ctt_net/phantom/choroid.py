"""Light from below Bruch's membrane."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.phantom.anatomy import Build
from ctt_net.phantom.macula import Section
from ctt_net.phantom.vessels import LARGE_CELL, SMALL_CELL, Block, choroid_sections

Image = NDArray[np.float32]

SMALL_VESSELS_UM = 70.0
TABLE_STEP_UM = 4.0


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
    large, small = choroid_sections(build, section.x_mm, section.y_mm)
    in_small = np.exp(-np.square(np.maximum(depth, 0.0) / np.float32(SMALL_VESSELS_UM)))
    vessels = in_small * (0.9 * _stretch(small, depth, SMALL_CELL[1]))
    vessels += (1.0 - in_small) * np.tanh(1.6 * _stretch(large, depth, LARGE_CELL[1]) + 0.3)
    vessels *= np.clip((np.float32(build.choroid_um) - depth) / 70.0 + 0.5, 0.0, 1.0)
    vessels *= np.clip(depth / 20.0, 0.0, 1.0)
    light = _decay(depth, reach_um) * (1.0 + 0.35 * vessels)
    through = np.minimum(1.0 - section.pigment + 0.22 * _smooth_step(1.25 - section.hole_mm), 1.0)
    if through.any():
        light *= (1.0 + 0.75 * through).astype(np.float32)[None]
    light *= np.clip(depth / 6.0 + 0.5, 0.0, 1.0)
    image[first:] += light


def _stretch(cells: Block, depth: Image, cell_um: float) -> Image:
    """Spread a section in cells over the pixels below Bruch's membrane."""
    across = np.broadcast_to(np.arange(depth.shape[1], dtype=np.float32)[None], depth.shape)
    down = np.maximum(depth, 0.0) * np.float32(1.0 / cell_um)
    spread = cv2.remap(
        cells,
        np.ascontiguousarray(across),
        down,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(spread, dtype=np.float32)


def _decay(depth: Image, reach_um: float) -> Image:
    """Brightness by depth: bright under the pigment epithelium, then a slow fall."""
    table = np.arange(0.0, 4000.0, TABLE_STEP_UM)
    fall = 60.0 * np.exp(-table / 32.0) + 60.0 * np.exp(-((table / reach_um) ** 1.35))
    index = np.clip(depth * np.float32(1.0 / TABLE_STEP_UM), 0, table.size - 1)
    return np.take(fall.astype(np.float32), index.astype(np.int32))


def _smooth_step(value: NDArray[np.float64]) -> NDArray[np.float64]:
    rise = np.clip(value / 0.5, 0.0, 1.0)
    return rise * rise * (3.0 - 2.0 * rise)
