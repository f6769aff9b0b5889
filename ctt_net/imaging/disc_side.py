"""Estimate from the retina beyond which end of a horizontal scan the optic disc lies.

The nerve fibres of the whole retina run to the disc, so their layer, the bright band right below
the vitreous, is thicker and brighter at the nasal end of a macular scan. Band and pigment
epithelium lie behind the same lens, so that their ratio at either end is free of shadows and of
a scan's own shading. In a picture as the device shows it, the disc is at the right in a right
eye and at the left in a left eye.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ctt_net.imaging.retina import brightest_path, inner_border

# Of 99 horizontal scans with a Cirrus mark, macular holes all, 95 get an answer and all are right;
# the one wrong sign has a strength of 0.055 (docs/concepts/scan_facts.md).
SURE = 0.1
_COARSE = (96, 128)  # width, height
_FINE = (192, 256)
_BAND_ROWS = 8  # of 256; about 60 um where a scan shows 2 mm of depth
_END = 6  # one sixth of the width at either end is compared
_MIN_RETINA_ROWS = 16  # of 256: a thinner retina is the rim of the disc or a failed trace
_MIN_DEEP = 0.4  # of the usual pigment epithelium: less is a shadow or the disc
_TISSUE_ABOVE = 0.4  # of the scan's contrast, see `_outer_line`


@dataclass(frozen=True)
class DiscSide:
    """Where the optic disc lies.

    Args:
        end: of the picture, beyond or at which the disc lies; None when unsure.
        strength: log ratio between the two ends of the fibre layer's brightness over the pigment
            epithelium's; positive means towards the right, and the size is how clear it is.
    """

    end: Literal["left", "right"] | None
    strength: float


def disc_side(pixels: np.ndarray) -> DiscSide:
    """Judge which end of a horizontal scan through the macula is nasal.

    Args:
        pixels: (H, W) uint8, upright, as `read_bscan` returns it. Of a vertical scan the answer
            means nothing.
    """
    brightness = _fibre_brightness(pixels)
    half, count = _FINE[0] // 2, _FINE[0] // _END
    left, right = (v[~np.isnan(v)] for v in (brightness[:half], brightness[half:]))
    if len(left) < count or len(right) < count:
        return DiscSide(None, 0.0)
    strength = float(np.median(right[-count:]) - np.median(left[:count]))
    if abs(strength) < SURE:
        return DiscSide(None, strength)
    return DiscSide("right" if strength > 0 else "left", strength)


def _fibre_brightness(pixels: np.ndarray) -> np.ndarray:
    """(192,) log brightness of the innermost layers over the outermost; NaN where not seen."""
    coarse: np.ndarray = cv2.resize(pixels, _COARSE, interpolation=cv2.INTER_AREA).astype(
        np.float32
    )
    coarse = cv2.GaussianBlur(coarse, (0, 0), sigmaX=2.0, sigmaY=1.2)
    background = float(np.percentile(coarse, 25))
    outer = _outer_line(coarse - background)
    at = np.arange(_COARSE[0])
    contrast = float(np.median(coarse[outer, at])) - background
    inner: np.ndarray = inner_border(coarse, outer, background + 0.35 * contrast)
    inner = cv2.medianBlur(inner.astype(np.uint8)[None], 5)[0]

    fine: np.ndarray = cv2.resize(pixels, _FINE, interpolation=cv2.INTER_AREA).astype(np.float32)
    fine = cv2.GaussianBlur(fine, (0, 0), sigmaX=2.5, sigmaY=0.8) - background
    columns = np.arange(_FINE[0])
    first, last = (np.interp(columns / 2 - 0.25, at, line * 2.0) for line in (inner, outer))
    rows = np.arange(_FINE[1])[:, None]
    band = cv2.blur(fine, (1, _BAND_ROWS), anchor=(0, 0))  # row y: mean of y and the rows below
    depth = np.maximum((last - first) / 2, _BAND_ROWS + 1)
    upper_half = (rows >= first - 2) & (rows + _BAND_ROWS <= first + depth)
    fibres = np.where(upper_half, band, 0).max(axis=0)
    near = np.clip((last + np.arange(-3, 3)[:, None]).astype(int), 0, _FINE[1] - 1)
    epithelium = fine[near, columns].mean(axis=0)
    seen = (last - first >= _MIN_RETINA_ROWS) & (epithelium >= _MIN_DEEP * np.median(epithelium))
    ratio = np.log(np.maximum(fibres, 1) / np.maximum(epithelium, 3))
    return np.where(seen, ratio, np.nan)


def _outer_line(signal: np.ndarray) -> np.ndarray:
    """(96,) rows of the pigment epithelium: the brightest line that has tissue above it.

    Beside the disc the fibre layer is the brighter of the two, but has the vitreous above it.

    Args:
        signal: (128, 96) brightness above the background.
    """
    contrast = float(np.median(signal.max(axis=0)))
    total = np.cumsum(np.pad(np.maximum(signal, 0), ((16, 0), (0, 0))), axis=0)
    rows = np.arange(signal.shape[0])
    above = (total[rows + 11] - total[rows + 1]) / 10  # mean of the rows 5 to 14 above
    share = np.clip(above / max(_TISSUE_ABOVE * contrast, 1e-6), 0.2, 1.0)
    return brightest_path(signal * share)
