"""Location of the fovea in a volume: the minimum of the retina's thickness near the middle.

The thickness is measured on a small copy of each B-scan, from the first tissue below the vitreous
to the brightest row, which is the ellipsoid zone or the pigment epithelium.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ctt_net.devices.acquisition import Acquisition

_ROWS, _COLUMNS = 160, 96
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
    thickness = np.stack([_thickness(bscan) for bscan in acquisition.bscans])
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


def _thickness(bscan: np.ndarray) -> np.ndarray:
    """(96,) float32 rows of the small copy between the inner border and the brightest line."""
    small = cv2.resize(bscan, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(small.astype(np.float32), (0, 0), sigmaX=1.2, sigmaY=1.2)
    outer = _bright_line(smooth)
    columns = np.arange(_COLUMNS)
    dark = float(np.percentile(smooth, 20))
    level = dark + 0.25 * (float(np.median(smooth[outer, columns])) - dark)
    tissue = cv2.morphologyEx(
        (smooth > level).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)
    )
    above = tissue.astype(bool) & (np.arange(_ROWS)[:, None] <= outer[None, :])
    inner = np.where(above.any(axis=0), above.argmax(axis=0), outer)
    return (outer - inner).astype(np.float32)


def _bright_line(smooth: np.ndarray) -> np.ndarray:
    """(W,) brightest row of each column, held near the line that most columns agree on."""
    row = cv2.medianBlur(smooth.argmax(axis=0).astype(np.float32)[None, :], 5)[0]
    x = np.arange(len(row))
    trend = np.polynomial.Polynomial.fit(x, row, 2)
    for _ in range(2):  # once more without the columns that jumped to another layer
        near = np.abs(row - trend(x)) <= 0.06 * _ROWS
        if near.sum() < 10:
            return row.astype(np.int64)
        trend = np.polynomial.Polynomial.fit(x[near], row[near], 2)
    away = np.abs(np.arange(_ROWS)[:, None] - trend(x)[None, :])
    return np.where(away <= 0.06 * _ROWS, smooth, -1).argmax(axis=0)
