"""Bands of preoperative acuity, for whatever is counted or calibrated by how well an eye saw."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

OFF_CHART_BAND = "off the chart"
UNKNOWN_BAND = "unknown"
BANDS = ("below 0.3", "0.3 to 0.5", "0.5 to 1.0", "1.0 and more", OFF_CHART_BAND, UNKNOWN_BAND)

# Lower edges of the second to the fourth band, logMAR; an eye on an edge lies in the worse band.
_EDGES_LOGMAR = np.array([0.3, 0.5, 1.0])

# An edge reached by arithmetic (0.8 - 0.5) is that edge.
_ROUNDING_LOGMAR = 1e-9


def preop_band(preop_logmar: ArrayLike, off_chart: ArrayLike) -> NDArray[np.str_]:
    """Band of each eye, one of `BANDS`; smaller logMAR is better sight.

    >>> preop_band([0.29, 0.3, 2.3, float("nan")], [False, False, True, False]).tolist()
    ['below 0.3', '0.3 to 0.5', 'off the chart', 'unknown']

    Args:
        preop_logmar: (E,), NaN = unknown.
        off_chart: (E,) bool, whether the acuity was counting fingers or less; then the logMAR is a
            policy's convention, and the band does not depend on it.

    Returns:
        (E,) names.

    Raises:
        ValueError: If the two are not of one length.
    """
    preop = np.asarray(preop_logmar, dtype=np.float64)
    off = np.asarray(off_chart, dtype=bool)
    if preop.shape != off.shape or preop.ndim != 1:
        raise ValueError(f"one flag for each acuity, got {preop.shape} acuities, {off.shape} flags")
    band = np.digitize(preop + _ROUNDING_LOGMAR, _EDGES_LOGMAR)
    band[np.isnan(preop)] = BANDS.index(UNKNOWN_BAND)
    band[off] = BANDS.index(OFF_CHART_BAND)
    return np.array(BANDS)[band]
