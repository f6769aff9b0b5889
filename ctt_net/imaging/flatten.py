"""Flatten a B-scan: shift every A-scan so that the pigment epithelium lies on one row.

What matters then lies at the same depth in every scan, whatever the tilt, the place in the window
and the curve of the eye: a network that learns from some hundred eyes need not learn that first.
Usual before layers are measured (Chiu et al. 2010, doi 10.1364/OE.18.019413).
"""

import cv2
import numpy as np

from ctt_net.imaging.retina import Outline

# Shares of the picture's height that are kept above and below the line: about 0.7 and 0.2 mm on
# all common exports, which show about 2 mm; room for a swollen or lifted retina.
_ABOVE, _BELOW = 0.36, 0.10
KEPT_SHARE = _ABOVE + _BELOW
_QUANTILE = 0.85
# Rows of the small picture within which a point counts as on the curve.
_TRUSTED_ABOVE, _TRUSTED_BELOW = 1.5, 3.0
_ROUNDS = 10


def flatten(pixels: np.ndarray, outline: Outline, height: int, width: int) -> np.ndarray:
    """Cut out the retina along its own curve.

    Args:
        pixels: (H, W) uint8 B-scan, vitreous at the top.
        outline: Its retina.
        height: Rows of the result.
        width: Columns of the result.

    Returns:
        (height, width) uint8, black where the picture has ended.
    """
    H = pixels.shape[0]
    narrow = cv2.resize(pixels, (width, H), interpolation=cv2.INTER_AREA)
    depth = KEPT_SHARE * H
    # As INTER_AREA does along the width: rows that are left out are averaged in.
    narrow = cv2.blur(narrow, (1, max(1, round(depth / height))))
    line = smooth_line(outline.path, width) * H / outline.rows
    offsets = (np.arange(height) + 0.5) / height * depth - _ABOVE * H
    rows = (offsets[:, None] + line[None, :]).astype(np.float32)
    columns = np.broadcast_to(np.arange(width, dtype=np.float32), rows.shape)
    return cv2.remap(narrow, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def unflatten(values: np.ndarray, outline: Outline, height: int, width: int) -> np.ndarray:
    """Inverse of `flatten` for values of its result.

    Args:
        values: (h, w) float32, of the flattened picture.
        outline: Of the B-scan that was flattened.
        height: Rows of the B-scan.
        width: Its columns.

    Returns:
        (height, width) float32, interpolated bilinearly; NaN above and below what was cut out.
    """
    h, w = values.shape
    column = (np.arange(width) + 0.5) / width * w - 0.5
    line = np.interp(column, np.arange(w), smooth_line(outline.path, w) * height / outline.rows)
    share = (np.arange(height)[:, None] - line + _ABOVE * height) / (KEPT_SHARE * height)
    rows = (share * h - 0.5).clip(0, h - 1).astype(np.float32)
    columns = np.broadcast_to(column.clip(0, w - 1).astype(np.float32), rows.shape)
    whole = cv2.remap(values, columns, rows, cv2.INTER_LINEAR)
    whole[(share < 0) | (share > 1)] = np.nan
    return whole


def smooth_line(path: np.ndarray, width: int) -> np.ndarray:
    """Curve of Bruch's membrane under a path that lesions, shadows and vessels disturb.

    Begins with the line that most of the path lies above, since lesions lift the bright layers and
    nothing sinks them; then a parabola and a cubic are fitted with less weight where the path
    strays (Cauchy weights): drusen, holes and detachments keep their height above the curve.

    Args:
        path: (P,) rows.
        width: Columns wanted.

    Returns:
        (width,) rows at the columns' middles, in the units of `path`.
    """
    powers = _powers(len(path))

    def fit(degree: int, weight: np.ndarray) -> np.ndarray:
        """Coefficients by the normal equations: of a cubic on -1..1 they are exact to 1e-12."""
        basis = powers[: degree + 1]
        weighted = basis * weight
        return np.linalg.solve(weighted @ basis.T, weighted @ path)

    def below() -> np.ndarray:
        return path - curve @ powers[: len(curve)]

    curve = fit(1, np.ones(len(path)))
    for _ in range(_ROUNDS):  # quantile regression by reweighting
        away = below()
        share = np.where(away > 0, _QUANTILE, 1 - _QUANTILE)
        curve = fit(1, share / np.maximum(np.abs(away), 0.5))
    for degree in (2, 3):
        for _ in range(_ROUNDS):
            away = below()
            scale = np.where(away > 0, _TRUSTED_BELOW, _TRUSTED_ABOVE)
            curve = fit(degree, 1 / (1 + (away / scale) ** 2))
    return np.asarray(curve @ _powers(width) + 0.5)


def _powers(columns: int) -> np.ndarray:
    """(4, columns) powers 0 to 3 of the columns' middles, on a scale of -1 to 1."""
    return np.vander((np.arange(columns) + 0.5) / columns * 2 - 1, 4, increasing=True).T
