"""Do probabilities mean what they say? Slope, intercept, and observed against predicted by tenths.

Arguments as in `ctt_net.metrics.classification`.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from ctt_net.metrics.weighted import Floats, checked, mean

# A probability of exactly 0 or 1 has no logit; the calibrated ones of a model folder lie inside.
PROBABILITY_EDGE = 1e-6

BINS = 10
SMALLEST_BIN = 10

# Newton's method doubles the digits of each step; separated classes have no finite slope.
STEPS = 25
STEP_TOLERANCE = 1e-9
STEP_FOUND = 1e-4
STEEPEST = 1e3


def calibration_slope(
    probability: ArrayLike, recovered: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Slope of the observed on the predicted log odds; below 1, probabilities are too extreme.

    `logit P(y = 1) = a + slope logit(p)` by logistic regression: Cox 1958, doi
    10.1093/biomet/45.3-4.562; Van Calster et al. 2019, doi 10.1186/s12916-019-1466-7. NaN where the
    classes are separated or only one is there.

    Example:
        >>> round(calibration_slope([0.1, 0.4, 0.4, 0.6, 0.9], [0, 1, 0, 0, 1]), 3)
        1.118
    """
    p, y, w = checked(probability, recovered, weights=weights)
    odds = logit(np.clip(p, PROBABILITY_EDGE, 1 - PROBABILITY_EDGE))
    return _newton(np.column_stack([odds, np.ones(len(odds))]), np.zeros(len(odds)), y, w)


def calibration_intercept(
    probability: ArrayLike, recovered: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Calibration in the large; above 0, recovery was more frequent than predicted.

    `logit P(y = 1) = intercept + logit(p)`, the slope held at 1. Sources as `calibration_slope`.

    Example:
        >>> round(calibration_intercept([0.1, 0.4, 0.4, 0.6, 0.9], [0, 1, 0, 0, 1]), 3)
        -0.454
    """
    p, y, w = checked(probability, recovered, weights=weights)
    odds = logit(np.clip(p, PROBABILITY_EDGE, 1 - PROBABILITY_EDGE))
    return _newton(np.ones((len(odds), 1)), odds, y, w)


def calibration_bins(
    predicted: ArrayLike, observed: ArrayLike, weights: ArrayLike | None = None
) -> list[dict[str, Any]]:
    """Mean predicted and mean observed value in bins of rising prediction.

    Bins are tenths of the eyes, fewer where a tenth would hold fewer than ten, and never part equal
    predictions.

    Example:
        >>> calibration_bins([0.25, 0.75], [0, 1])
        [{'n_eyes': 2, 'predicted': 0.5, 'observed': 0.5}]
    """
    p, y, w = checked(predicted, observed, weights=weights)
    bins = bin_numbers(p)
    inside = [bins == number for number in range(bins.max() + 1)] if len(bins) else []
    return [
        {
            "n_eyes": int(here.sum()),
            "predicted": mean(p[here], w[..., here]),
            "observed": mean(y[here], w[..., here]),
        }
        for here in inside
    ]


def bin_numbers(predicted: Floats) -> NDArray[np.intp]:
    """Bin of each eye, 0 = lowest: (n,)."""
    n = len(predicted)
    ordered = np.sort(predicted)
    cuts: list[int] = [0]
    n_bins = max(1, min(BINS, n // SMALLEST_BIN))
    for number in range(1, n_bins):
        # Behind all eyes with the prediction at which the cut falls.
        cut = int(np.searchsorted(ordered, ordered[number * n // n_bins - 1], side="right"))
        if cut - cuts[-1] >= SMALLEST_BIN and n - cut >= SMALLEST_BIN:
            cuts.append(cut)
    return np.searchsorted(ordered[cuts[1:]], predicted, side="right")


def _newton(columns: Floats, offset: Floats, recovered: Floats, weights: Floats) -> Floats:
    """First coefficient of a logistic regression of one or two columns, for each weighting.

    Args:
        columns: (n, 1 or 2).
        offset: (n,) added to the log odds as it stands.
        recovered: (n,).
        weights: (n,) or (resamples, n).

    Returns:
        NaN where there is no finite maximum of the likelihood.
    """
    rows = np.atleast_2d(weights)
    value = np.zeros((1, columns.shape[1]))
    found = np.zeros(len(rows), dtype=bool)
    if len(np.unique(recovered)) == 2:
        even = np.ones((1, len(recovered)))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            # From the fit to all eyes alike, resamples are a step or two away.
            value, found = _climb(value, columns, offset, recovered, even)
            if found.all():
                start = np.repeat(value, len(rows), axis=0)
                value, found = _climb(start, columns, offset, recovered, rows)
    slope = np.where(found, value[:, 0], np.nan)
    slope = np.broadcast_to(slope, (len(rows),))
    return slope if weights.ndim == 2 else float(slope[0])  # type: ignore[return-value]


def _climb(
    value: Floats, columns: Floats, offset: Floats, recovered: Floats, weights: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """Newton's method from a start (resamples, columns): the coefficients, and which are final."""
    step = np.full_like(value, np.inf)
    observed = weights @ (columns * recovered[:, None])
    # Of the Hessian: h00, h01 and h11, or h00 twice.
    products = np.column_stack([columns[:, :1] * columns, columns[:, -1] ** 2])
    for _ in range(STEPS):
        p = expit(offset + value @ columns.T)
        weighted = weights * p
        gradient = observed - weighted @ columns
        weighted *= np.subtract(1.0, p, out=p)
        hessian = weighted @ products
        if columns.shape[1] == 1:
            step = gradient / hessian[:, :1]
        else:
            (h00, h01, h11), (g0, g1) = hessian.T, gradient.T
            step = np.column_stack([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0])
            step /= (h00 * h11 - h01**2)[:, None]
        value = value + step
        if not (np.abs(step) > STEP_TOLERANCE).any():
            break
    found = (np.abs(value) < STEEPEST) & (np.abs(step) <= STEP_FOUND)
    return value, np.all(found, axis=1)
