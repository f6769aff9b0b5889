"""How far predicted acuity lies from the truth. Error is prediction minus truth, logMAR.

Arguments of all functions: `pred` and `true` (n,); `weights` (n,) for a float or (resamples, n) for
(resamples,), as in `ctt_net.metrics.weighted`. NaN where a figure is undefined.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ctt_net.metrics.agreement import NO_SPREAD, moments
from ctt_net.metrics.weighted import Floats, checked, mean, median, middle_ranks, ratio

# An error of exactly one line is within one line, whatever floating point makes of 0.3 - 0.2.
ROUNDING_LOGMAR = 1e-9

FEWEST_WORST = 10


def mae(pred: ArrayLike, true: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Mean absolute error: `mean(|pred - true|)`.

    Willmott and Matsuura 2005, doi 10.3354/cr030079.

    Example:
        >>> round(mae([0.1, 0.4, 0.3], [0.0, 0.2, 0.3]), 3)
        0.1
        >>> mae([0.1, 0.4], [0.0, 0.2], weights=[[1, 1], [2, 0]]).round(3)
        array([0.15, 0.1 ])
    """
    p, t, w = checked(pred, true, weights=weights)
    return mean(np.abs(p - t), w)


def rmse(pred: ArrayLike, true: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Root mean square error: `sqrt(mean((pred - true)^2))`.

    Example:
        >>> round(rmse([0.1, 0.4, 0.3], [0.0, 0.2, 0.3]), 3)
        0.129
    """
    p, t, w = checked(pred, true, weights=weights)
    return mean((p - t) ** 2, w) ** 0.5


def median_ae(pred: ArrayLike, true: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Median absolute error; weights are whole numbers.

    Example:
        >>> round(median_ae([0.1, 0.4, 0.3], [0.0, 0.2, 0.3]), 3)
        0.1
    """
    p, t, w = checked(pred, true, weights=weights)
    return median(np.abs(p - t), w)


def bias(pred: ArrayLike, true: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Mean error: `mean(pred - true)`; positive: eyes see better than predicted.

    Bland and Altman 1986, doi 10.1016/S0140-6736(86)90837-8.

    Example:
        >>> round(bias([0.1, 0.4, 0.3], [0.0, 0.2, 0.3]), 3)
        0.1
    """
    p, t, w = checked(pred, true, weights=weights)
    return mean(p - t, w)


def within_logmar(
    pred: ArrayLike, true: ArrayLike, limit: float, weights: ArrayLike | None = None
) -> Floats:
    """Share of eyes whose error is at most `limit`: `mean(|pred - true| <= limit)`.

    Example:
        >>> round(within_logmar([0.1, 0.4, 0.3], [0.0, 0.2, 0.3], 0.1), 3)
        0.667
    """
    p, t, w = checked(pred, true, weights=weights)
    return mean((np.abs(p - t) <= limit + ROUNDING_LOGMAR).astype(np.float64), w)


def r2(pred: ArrayLike, true: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Coefficient of determination: `1 - mean((pred - true)^2) / var(true)`; may be negative.

    Kvalseth 1985, doi 10.1080/00031305.1985.10479448, the first of his eight.

    Example:
        >>> round(r2([0.1, 0.4, 0.3], [0.0, 0.2, 0.3]), 3)
        -0.071
    """
    p, t, w = checked(pred, true, weights=weights)
    variance = moments(p, t, w).var_true
    return 1.0 - ratio(mean((p - t) ** 2, w), np.where(variance > NO_SPREAD, variance, 0.0))


def spearman(first: ArrayLike, second: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Spearman's rank correlation, ties at their mean rank; weights are whole numbers.

    Pearson's correlation of the ranks; Spearman 1904, doi 10.2307/1412159.

    Example:
        >>> round(spearman([0.1, 0.4, 0.3, 0.8], [0.0, 0.2, 0.3, 0.9]), 3)
        0.8
    """
    x, y, w = checked(first, second, weights=weights)
    return rank_correlation(middle_ranks(x, w), middle_ranks(y, w), w)


def rank_correlation(first: Floats, second: Floats, weights: Floats) -> Floats:
    """Spearman's correlation from `middle_ranks`, which several figures of a truth may share."""
    centre = (weights.sum(axis=-1, keepdims=True) + 1) / 2
    a, b = first - centre, second - centre
    wa = weights * a
    ab, aa, bb = (
        np.einsum("...n,...n->...", *pair) for pair in ((wa, b), (wa, a), (weights * b, b))
    )
    product = aa * bb
    # A sum of squares of half ranks is 0 or at least 0.25.
    return ratio(ab, np.where(product > 0.01, product, 0.0) ** 0.5)


def worst_third(true: Floats) -> NDArray[np.bool_] | None:
    """The third of the eyes that ended worst, equal acuities together.

    Returns:
        (n,); None where they are fewer than ten or all ended alike.
    """
    cut = np.sort(true)[-math.ceil(len(true) / 3)]
    worst: NDArray[np.bool_] = true >= cut - ROUNDING_LOGMAR
    return None if worst.all() or worst.sum() < FEWEST_WORST else worst
