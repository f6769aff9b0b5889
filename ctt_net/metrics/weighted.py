"""Weighted mean, median and ranks of eyes: for one weighting, or for many at once.

Every function of this package takes `weights` as scikit-learn takes `sample_weight`, with an
optional axis in front: `(n,)` gives a float, `(resamples, n)` gives `(resamples,)`. So a bootstrap
is a matrix of weights, and two figures on the same matrix are paired.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def checked(*arrays: ArrayLike, weights: ArrayLike | None = None) -> tuple[Floats, ...]:
    """The arrays and the weights as float64; weights of 1 where none are given.

    Args:
        arrays: (n,) each.
        weights: (n,) or (resamples, n).

    Raises:
        ValueError: If they are not of one length.
    """
    out = [np.asarray(array, dtype=np.float64) for array in arrays]
    n = len(out[0])
    given = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    shapes = [array.shape for array in out]
    if set(shapes) != {(n,)} or given.ndim not in (1, 2) or given.shape[-1] != n:
        raise ValueError(f"arrays of one length are needed, got {shapes}, weights {given.shape}")
    return (*out, given)


def ratio(above: ArrayLike, below: ArrayLike) -> Floats:
    """Quotient, NaN where the lower number is 0; a float for two numbers.

    Example:
        >>> ratio(1.0, 4.0), ratio([1.0, 1.0], [2.0, 0.0])
        (0.25, array([0.5, nan]))
    """
    a, b = np.asarray(above, float), np.asarray(below, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(b != 0, a / b, np.nan)
    return found if found.ndim else float(found)  # type: ignore[return-value]


def mean(values: Floats, weights: Floats) -> Floats:
    """Weighted mean.

    Args:
        values: (n,).
        weights: (n,) or (resamples, n).

    Returns:
        A float or (resamples,); NaN where all weights are 0.
    """
    sums = weights @ np.column_stack([values, np.ones(len(values))])
    return ratio(sums[..., 0], sums[..., 1])


def median(values: Floats, weights: Floats) -> Floats:
    """Median of the values, each repeated as often as its weight says.

    Args:
        values: (n,).
        weights: (n,) or (resamples, n), whole numbers.

    Returns:
        A float or (resamples,); NaN where all weights are 0.

    Example:
        >>> median(np.array([1.0, 2.0, 5.0]), np.array([1.0, 2.0, 3.0]))
        3.5
    """
    if not len(values):
        return ratio(0.0, weights.sum(axis=-1))
    order = np.argsort(values, kind="stable")
    up_to = np.cumsum(weights[..., order], axis=-1)
    total = up_to[..., -1]
    both = np.floor(np.stack([(total - 1) / 2, total / 2], axis=-1))
    rows = zip(np.atleast_2d(up_to), np.atleast_2d(both), strict=True)
    place = np.array([np.searchsorted(row, pair, side="right") for row, pair in rows])
    middle = values[order[np.minimum(place, len(values) - 1)]].sum(axis=-1).reshape(total.shape)
    return ratio(np.where(total > 0, middle, 0.0), np.where(total > 0, 2.0, 0.0))


def middle_ranks(values: Floats, weights: Floats) -> Floats:
    """Rank of each value among the repeated ones, ties at their mean rank: as `weights`."""
    distinct, place = np.unique(values, return_inverse=True)
    at_value = sums_by_value(place, weights)
    ranks = np.cumsum(at_value, axis=-1)
    ranks -= at_value / 2 - 0.5
    return ranks[..., place] if len(distinct) else ranks


def sums_by_value(key: NDArray[np.generic], weights: Floats) -> Floats:
    """Weight at each distinct value of a key, ascending: (..., distinct values)."""
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(key[order]) != 0][: len(key)])
    ordered = weights[..., order]
    return ordered if len(starts) == len(key) else np.add.reduceat(ordered, starts, axis=-1)
