"""Geometry of an acquisition, from the ends of the lines of its B-scans."""

import math

import numpy as np

_OFF_AXIS_DEG = 30.0  # devices tilt a "horizontal" scan along the line from fovea to disc
_PARALLEL_DEG = 5.0
_UNEVEN = 0.2  # share by which one gap may differ from the middle one
_SAME_PLACE = 0.1  # share of a line's length


def direction(position: np.ndarray) -> str | None:
    """`horizontal`, `vertical`, or None for an oblique line or a point.

    Args:
        position: (4,) x and y of the start, x and y of the end.
    """
    dx, dy = float(position[2] - position[0]), float(position[3] - position[1])
    if math.hypot(dx, dy) == 0:
        return None
    steep = math.degrees(math.atan2(abs(dy), abs(dx)))
    if steep <= _OFF_AXIS_DEG:
        return "horizontal"
    return "vertical" if steep >= 90 - _OFF_AXIS_DEG else None


def runs_backwards(position: np.ndarray) -> bool:
    """Whether a horizontal line runs from right to left, or a vertical one from top to bottom.

    Vertical scans begin below, as Heidelberg shows them: the left end is inferior.
    """
    if direction(position) == "vertical":
        return bool(position[3] > position[1])
    return bool(position[2] < position[0])


def is_circle(position: np.ndarray, width_mm: float | None) -> bool:
    """Whether the "line" is a circle: the end is its centre and the B-scan as long as its rim."""
    radius = math.hypot(position[2] - position[0], position[3] - position[1])
    if width_mm is None or radius <= 0:
        return False
    return abs(width_mm / (2 * math.pi * radius) - 1) < 0.1


def pattern_of(positions: np.ndarray) -> str:
    """`line` (one, or two that cross), `raster`, `radial` or `unknown`.

    Args:
        positions: (N, 4) mm.
    """
    if len(positions) == 1:
        return "line"
    along = positions[:, 2:] - positions[:, :2]
    length = np.hypot(along[:, 0], along[:, 1])
    if (length <= 0).any():
        return "unknown"
    angle = np.degrees(np.arctan2(along[:, 1], along[:, 0]))
    turned = np.abs((angle - angle[0] + 90) % 180 - 90)
    if (turned <= _PARALLEL_DEG).all():
        return "raster"
    middle = (positions[:, :2] + positions[:, 2:]) / 2
    apart = np.hypot(*(middle - middle.mean(axis=0)).T)
    if len(positions) == 2:
        return "line"
    return "radial" if (apart <= _SAME_PLACE * length).all() else "unknown"


def spacing_um(positions: np.ndarray) -> float | None:
    """Distance between neighbouring parallel lines, um; None if there is no such one distance."""
    if len(positions) < 2 or pattern_of(positions) != "raster":
        return None
    along = positions[0, 2:] - positions[0, :2]
    across = np.array([-along[1], along[0]]) / np.hypot(*along)
    gaps = np.diff(((positions[:, :2] + positions[:, 2:]) / 2) @ across)
    middle = float(np.median(gaps))
    if middle == 0 or (np.abs(gaps - middle) > _UNEVEN * abs(middle)).any():
        return None
    return abs(float(gaps.mean())) * 1000
