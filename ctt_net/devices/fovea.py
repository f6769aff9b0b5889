"""Location of the fovea in a volume: the minimum of the retina's thickness near the middle.

The thickness is measured on a small copy of each B-scan, from the inner border to the bright outer
layers (`ctt_net.imaging.retina`).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ctt_net.devices.acquisition import Acquisition
from ctt_net.imaging.retina import outline_retina

_COLUMNS = 96  # of `outline_retina`
_FIELD_MM = 6.0  # taken where the file gives no scale; the usual macular cube
_CORE_MM = 0.15  # the pit is sought on thickness smoothed by this
_RING_MM = (0.8, 1.6)  # parafovea, where the retina is thickest
_SEARCH = 0.35  # share of the field, from its middle, in which a fovea may lie
_SHALLOWEST = 0.06  # share of the ring's thickness by which a pit is thinner


@dataclass(frozen=True)
class Fovea:
    """Place in a volume.

    Args:
        index: B-scan.
        column: A-scan.
        found: False if it is only the middle of the volume.
    """

    index: int
    column: int
    found: bool


def locate_fovea(acquisition: Acquisition) -> Fovea:
    """The deepest pit near the middle of parallel B-scans, or the middle where there is none.

    Args:
        acquisition: a raster.
    """
    count, _, width = acquisition.bscans.shape
    middle = Fovea((count - 1) // 2, (width - 1) // 2, found=False)
    thickness = _thickness(acquisition.bscans)
    if thickness is None:
        return middle
    across = (acquisition.width_mm or _FIELD_MM) / _COLUMNS  # mm between columns of the map
    along = (acquisition.spacing_um or _FIELD_MM * 1000 / count) / 1000
    if count >= 5:
        thickness = cv2.medianBlur(thickness, 3 if count < 20 else 5)
    core = cv2.GaussianBlur(
        thickness, (0, 0), sigmaX=_CORE_MM / across, sigmaY=max(_CORE_MM / along, 1e-3),
        borderType=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    x = (np.arange(_COLUMNS) - (_COLUMNS - 1) / 2) * across
    y = (np.arange(count) - (count - 1) / 2) * along
    inside = (np.abs(x) <= _SEARCH * across * _COLUMNS)[None, :] & (
        np.abs(y) <= max(_SEARCH * along * count, along / 2)
    )[:, None]
    dip = np.where(inside, core - _ring_mean(thickness, across, along), np.inf)
    row, column = np.unravel_index(int(dip.argmin()), dip.shape)
    ring = core[row, column] - dip[row, column]
    if not np.isfinite(ring) or ring <= 0 or -dip[row, column] < _SHALLOWEST * ring:
        return middle
    full = round((column + 0.5) * width / _COLUMNS - 0.5)
    return Fovea(int(row), int(np.clip(full, 0, width - 1)), found=True)


def _ring_mean(thickness: np.ndarray, across: float, along: float) -> np.ndarray:
    """Mean thickness at the distance of the parafovea, for every place of the map."""
    reach_x = min(int(_RING_MM[1] / across) + 1, thickness.shape[1])
    reach_y = min(int(_RING_MM[1] / along) + 1, thickness.shape[0])
    dx = np.arange(-reach_x, reach_x + 1) * across
    dy = np.arange(-reach_y, reach_y + 1) * along
    away = np.hypot(dx[None, :], dy[:, None])
    ring = ((away >= _RING_MM[0]) & (away <= _RING_MM[1])).astype(np.float32)
    total = cv2.filter2D(thickness, -1, ring, borderType=cv2.BORDER_CONSTANT)
    covered = cv2.filter2D(np.ones_like(thickness), -1, ring, borderType=cv2.BORDER_CONSTANT)
    return total / np.maximum(covered, 1)


def _thickness(bscans: np.ndarray) -> np.ndarray | None:
    """(N, 96) float32 rows between the retina's borders in small copies; None without a retina."""
    outlines = [outline_retina(bscan) for bscan in bscans]
    found = np.array([outline is not None for outline in outlines])
    if not found.any():
        return None
    thickness = np.zeros((len(bscans), _COLUMNS), np.float32)
    thickness[found] = [outline.path - outline.inner for outline in outlines if outline is not None]
    thickness[~found] = thickness[found].mean(axis=0)
    return thickness
