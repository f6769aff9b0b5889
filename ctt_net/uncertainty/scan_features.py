"""How a preprocessed scan looks, in a few plain numbers.

A network's own embedding does not tell an OCT scan from a fundus photograph: whatever it has not
learned to see, it ignores (docs/abstention.md). These numbers are learned from nothing: how much
the picture is layered, and how bright and how uneven it is at each depth.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.imaging.artifacts.panel import layering

# Bands of equal height from top to bottom, and columns that are compared within one.
BANDS = 8
_COLUMNS = 24

# Grey levels below which a difference is noise, so that the logarithm of black is finite.
_FAINT = 4.0


def scan_features(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Logarithms of layering, and of brightness and unevenness of each band: (1 + 2 * BANDS,).

    Args:
        pixels: (H, W) preprocessed grey.
    """
    small = cv2.resize(pixels, (_COLUMNS, BANDS), interpolation=cv2.INTER_AREA).astype(np.float64)
    figures = np.concatenate([small.mean(axis=1), small.std(axis=1)])
    return np.concatenate([[np.log(layering(pixels))], np.log(figures + _FAINT)])


def features_of(pixels: NDArray[np.uint8], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Features of every scan: (E, V, 1 + 2 * BANDS), NaN where absent.

    Args:
        pixels: (E, V, H, W) preprocessed grey.
        present: (E, V).
    """
    features = np.full((*present.shape, 1 + 2 * BANDS), np.nan)
    for place in zip(*np.nonzero(present), strict=True):
        features[place] = scan_features(pixels[place])
    return features
