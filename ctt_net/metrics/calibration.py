"""Do probabilities and acuities mean what they say? Slope, intercept and observed by tenths."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from ctt_net.metrics.bootstrap import Draws, Totals, Weights

Floats = NDArray[np.float64]

# A probability of exactly 0 or 1 has no logit; the calibrated ones of a model folder lie inside.
PROBABILITY_EDGE = 1e-6

BINS = 10
SMALLEST_BIN = 10

# Newton's method doubles the digits of each step; separated classes have no finite slope.
STEPS = 25
STEP_TOLERANCE = 1e-9
STEP_FOUND = 1e-4
STEEPEST = 1e3


def logistic_calibration(probability: Floats, recovered: Floats, weights: Weights) -> Draws:
    """Calibration slope and intercept of probabilities, Van Calster 2019.

    `slope`: of the log odds observed on the log odds predicted, by logistic regression; below 1 =
    too extreme. `intercept`: of the same with the slope held at 1, which is calibration in the
    large; above 0 = recovery was more frequent than predicted. Doi 10.1186/s12916-019-1466-7.

    Args:
        probability: (eyes,), 0..1.
        recovered: (eyes,), 1.0 or 0.0.
        weights: (resamples, eyes).

    Returns:
        Both, (resamples,); NaN where the classes are separated or only one is there.
    """
    undefined = np.full(len(weights), np.nan)
    if len(np.unique(recovered)) < 2:
        return {("slope",): undefined, ("intercept",): undefined}
    odds = logit(np.clip(probability, PROBABILITY_EDGE, 1 - PROBABILITY_EDGE))
    flat = np.zeros_like(odds)
    even = np.ones((1, len(odds)))
    slope = undefined
    if np.ptp(odds) > 0:
        start = _newton(odds, flat, recovered, even, np.zeros((1, 2)))
        slope = _newton(odds, flat, recovered, weights, start)[:, 1]
    start = _newton(None, odds, recovered, even, np.zeros((1, 1)))
    return {
        ("slope",): slope,
        ("intercept",): _newton(None, odds, recovered, weights, start)[:, 0],
    }


def _newton(
    odds: Floats | None, offset: Floats, recovered: Floats, weights: Weights, start: Floats
) -> Floats:
    """Maximum-likelihood coefficients of a logistic regression for each row of weights.

    Args:
        odds: (eyes,) the one predictor, None for an intercept alone.
        offset: (eyes,) what is added to it as it stands.
        recovered: (eyes,).
        weights: (resamples, eyes).
        start: (1, coefficients), the same for all: the first step then is a matrix product.

    Returns:
        (resamples, coefficients), NaN where there is no finite maximum.
    """
    if not np.isfinite(start).all():
        return np.full((len(weights), start.shape[1]), np.nan)
    value = start
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for _ in range(STEPS):
            eta = offset + value[:, :1] + (0.0 if odds is None else value[:, 1:] * odds)
            p = expit(eta)
            step = _step(odds, recovered - p, p * (1 - p), weights)
            value = value + step
            if not (np.abs(step) > STEP_TOLERANCE).any():
                break
    found = (np.abs(value) < STEEPEST) & (np.abs(step) <= STEP_FOUND)
    every = np.broadcast_to(value, (len(weights), value.shape[1]))
    return np.where(np.all(found, axis=1, keepdims=True), every, np.nan)


def _step(odds: Floats | None, residual: Floats, information: Floats, weights: Weights) -> Floats:
    """One step of Newton's method: (resamples, coefficients)."""
    gradient = _total(weights, residual)
    h00 = _total(weights, information)
    if odds is None:
        return (gradient / h00)[:, None]
    g1 = _total(weights, residual * odds)
    h01, h11 = _total(weights, information * odds), _total(weights, information * odds**2)
    determinant = h00 * h11 - h01**2
    return (
        np.column_stack([h11 * gradient - h01 * g1, h00 * g1 - h01 * gradient])
        / (determinant[:, None])
    )


def _total(weights: Weights, values: Floats) -> Floats:
    """Weighted totals of values common to all resamples (1, eyes), or of each one's own."""
    if len(values) == 1:
        return weights @ values[0]
    return np.einsum("re,re->r", weights, values)


def calibration_bins(predicted: Floats, observed: Floats, chosen: NDArray[np.bool_]) -> Totals:
    """Mean predicted and mean observed value in bins of rising prediction.

    Args:
        predicted: (eyes,).
        observed: (eyes,).
        chosen: (eyes,), the eyes that count.

    Returns:
        Figures `("bins", "<number>", "predicted" | "observed")`.
    """
    bins = bin_numbers(predicted[chosen])
    n_bins = int(bins.max()) + 1 if len(bins) else 0
    columns = np.zeros((len(predicted), 3 * n_bins))
    rows = np.flatnonzero(chosen)
    for offset, values in enumerate((np.ones(len(rows)), predicted[rows], observed[rows])):
        columns[rows, 3 * bins + offset] = values

    def figures(totals: Floats) -> Draws:
        out: Draws = {}
        for number in range(n_bins):
            n, mean, seen = totals[:, 3 * number : 3 * number + 3].T
            out[("bins", str(number), "predicted")] = mean / n
            out[("bins", str(number), "observed")] = seen / n
        return out

    return Totals(columns, figures)


def bin_numbers(predicted: Floats) -> NDArray[np.intp]:
    """Bin of each eye: tenths of the eyes by rising prediction, equal predictions together.

    Where a tenth would hold fewer than `SMALLEST_BIN` eyes there are fewer bins, since a bin of a
    few eyes tells about chance and about those eyes.

    Args:
        predicted: (eyes,), no NaN.

    Returns:
        (eyes,), 0 = lowest.
    """
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


def listed_bins(branch: dict[str, Any], predicted: Floats) -> list[dict[str, Any]]:
    """The figures of bins as a list, each with its number of eyes.

    Args:
        branch: Number of the bin to its figures.
        predicted: (eyes,) the eyes that counted.
    """
    counts = np.bincount(bin_numbers(predicted), minlength=len(branch))
    return [
        {"n_eyes": int(n), **branch[str(number)]}
        for number, n in enumerate(counts)
        if str(number) in branch
    ]
