"""Do prediction intervals hold what they promise: coverage and width.

Arguments: `lower`, `upper` and `true` (n,), ends NaN where an eye has no interval, such eyes are
left out; `weights` (n,) for a float or (resamples, n) for (resamples,).
"""

import numpy as np
from numpy.typing import ArrayLike

from ctt_net.metrics.weighted import Floats, checked, ratio


def coverage(
    lower: ArrayLike, upper: ArrayLike, true: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Share of the eyes inside their interval: `mean(lower <= true <= upper)`.

    Example:
        >>> coverage([0.1, 0.1, np.nan], [0.3, 0.3, np.nan], [0.2, 0.4, 0.2])
        0.5
    """
    low, high, t, w = checked(lower, upper, true, weights=weights)
    given = np.isfinite(low).astype(np.float64)
    return ratio(w @ ((low <= t) & (t <= high)).astype(np.float64), w @ given)


def mean_width(lower: ArrayLike, upper: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Mean of `upper - lower`.

    Example:
        >>> round(mean_width([0.1, 0.1, np.nan], [0.3, 0.4, np.nan]), 3)
        0.25
    """
    low, high, w = checked(lower, upper, weights=weights)
    given = np.isfinite(low)
    return ratio(w @ np.where(given, high - low, 0.0), w @ given.astype(np.float64))
