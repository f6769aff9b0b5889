"""Which opening of the retina is a macular hole, and its geometry."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]

# Touching the pigment epithelium means nearer than this share of the retina's thickness.
TOUCHES = 0.15
# A hole opens at least this share of the retina, in so many A-scans.
OPENS_LEAST = 0.12
FEWEST_COLUMNS = 3
# A full-thickness one opens this share, up to so near the vitreous.
OPENS, ROOF = 0.60, 0.20
# Where the narrowest place is sought, as shares of the retina's thickness: "at the narrowest hole
# point in the mid retina" (Duker 2013, doi 10.1016/j.ophtha.2013.07.042), since a hole is
# undermined below and torn above. Under a closed roof, shares of the opening's own height.
MIDDLE = (0.4, 0.6)
BASE_BELOW = 0.15
# An opening so near the surface, as a share of the thickness, opens into the vitreous.
MOUTH = 0.05


@dataclass(frozen=True)
class Hole:
    """A hole, in pixels; edges of A-scans, so that `right - left` is a width.

    Args:
        left: Left rim where the hole is narrowest.
        right: Right rim where the hole is narrowest.
        base_left: Left end at the pigment epithelium.
        base_right: Right end at the pigment epithelium.
        narrowest_rows: Height of the narrowest place above the pigment epithelium.
        rim_rows: Height of the rims' surface above the pigment epithelium, their highest place.
        is_open: Whether it is of full thickness in this scan; else its roof is closed.
    """

    left: float
    right: float
    base_left: float
    base_right: float
    narrowest_rows: float
    rim_rows: float
    is_open: bool

    @property
    def centre(self) -> float:
        """Column half way between the rims; A-scan centres lie at whole numbers."""
        return 0.5 * (self.left + self.right) - 0.5


def find_hole(
    opening: Mask, ilm: Floats, rpe: Floats, fluid: Mask, rim_columns: int
) -> tuple[Hole | None, Mask]:
    """The largest opening that touches the pigment epithelium.

    A line scan may miss the mouth of a hole, and an impending one has none: it has a closed roof.

    Args:
        opening: (H, W) where the retina is open.
        ilm: (W,) row of the internal limiting membrane, running on across a hole.
        rpe: (W,) row of the pigment epithelium.
        fluid: (W,) where fluid lifts the retina off the pigment epithelium.
        rim_columns: A-scans beside the hole in which its rims are highest.

    Returns:
        The hole, if any, and (H, W) the openings that are none.
    """
    if not opening.any():
        return None, opening
    # scipy.ndimage would take longer to load than all else that measures a scan.
    _, labels, stats, _ = cv2.connectedComponentsWithStats(opening.astype(np.uint8))
    sizes = stats[1:, cv2.CC_STAT_AREA]
    for index in np.argsort(sizes)[::-1][:5] + 1:
        left, top, width, height = stats[index, : cv2.CC_STAT_AREA]
        rows, columns = slice(top, top + height), slice(left, left + width)
        part = labels[rows, columns] == index
        surfaces = ilm - rows.start, rpe - rows.start
        touching = _touching(part, surfaces[0][columns], surfaces[1][columns])
        if touching.sum() < FEWEST_COLUMNS:
            continue
        rest = opening.copy()
        rest[rows, columns] &= ~part
        return _measured(part, touching, columns.start, surfaces, fluid, rim_columns), rest
    return None, opening


def _touching(part: Mask, ilm: Floats, rpe: Floats) -> Mask:
    """(w,) in which A-scans an opening touches the pigment epithelium and opens the least."""
    bottom = part.shape[0] - np.argmax(part[::-1], axis=0) - 0.5
    thickness = np.maximum(rpe - ilm, 1.0)
    opened = np.count_nonzero(part, axis=0)
    return (rpe - bottom <= TOUCHES * thickness) & (opened >= OPENS_LEAST * thickness)


def _measured(
    part: Mask, touching: Mask, start: int, surfaces: tuple[Floats, Floats], fluid: Mask, rim: int
) -> Hole:
    """Geometry of one opening, level by level above the pigment epithelium."""
    ilm, rpe = surfaces
    thickness = rpe - ilm
    rows, columns = np.nonzero(part)
    level = np.floor(rpe[start + columns] - rows).astype(int)
    columns, level = columns[level >= 0] + start, level[level >= 0]
    count = int(level.max()) + 1
    first, last = np.full(count, thickness.size), np.full(count, -1)
    np.minimum.at(first, level, columns)
    np.maximum.at(last, level, columns)
    own = slice(start, start + part.shape[1])
    opened = np.count_nonzero(part, axis=0)
    below_ilm = np.argmax(part, axis=0) - 0.5 - ilm[own]
    whole = touching & (opened >= OPENS * thickness[own]) & (below_ilm <= ROOF * thickness[own])
    is_open = bool(whole.sum() >= FEWEST_COLUMNS)
    reach = float(thickness[own][whole if is_open else touching].min())
    # A closed opening ends in nothing; half way up is where a caliper would lie.
    heights = np.arange(count)
    low, high = (share * (reach if is_open else count) for share in MIDDLE)
    inner = np.flatnonzero((heights >= low) & (heights < high) & (last >= first))
    widths = running_median(last[inner] + 1 - first[inner], 3, "edge")
    narrowest = inner[widths == widths.min()]
    lowest = int(np.argmax(last >= first))
    base = (heights < max(BASE_BELOW * reach, lowest + 2)) & (last >= first)
    base_left, base_right = int(first[base].min()), int(last[base].max()) + 1
    while base_left > 0 and fluid[base_left - 1]:
        base_left -= 1
    while base_right < thickness.size and fluid[base_right]:
        base_right += 1
    # Where the hole opens into the vitreous, its surface runs on as if filled: tissue ends below.
    tissue = thickness.astype(float)
    mouth = (below_ilm <= MOUTH * thickness[own]) & part.any(axis=0)
    tissue[own] -= np.where(mouth, below_ilm + opened, 0.0)
    near = tissue[max(base_left - rim, 0) : base_right + rim]
    rims = running_median(near, max(rim // 10, 3), "symmetric")
    return Hole(
        left=float(first[narrowest].mean()),
        right=float(last[narrowest].mean()) + 1.0,
        base_left=float(base_left),
        base_right=float(base_right),
        narrowest_rows=float(narrowest.mean()) + 0.5,
        rim_rows=float(rims.max()),
        is_open=is_open,
    )


def running_median(values: Floats, size: int, border: Literal["edge", "symmetric"]) -> Floats:
    """The median of each value and its neighbours; of an even number, the upper one.

    Args:
        values: (n,).
        size: How many, itself included.
        border: What stands for neighbours that are not there, as `numpy.pad` names it.
    """
    padded = np.pad(values, (size // 2, (size - 1) // 2), mode=border)
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)
    return np.asarray(np.partition(windows, size // 2, axis=1)[:, size // 2])
