"""Figures by rank, of values repeated as often as the weights say."""

import numpy as np
from numpy.typing import NDArray

from ctt_net.metrics.bootstrap import Weights

Floats = NDArray[np.float64]


# The median of a resample lies this many times the root of the number of eyes from the middle at
# most, or all eyes are looked at: 7 standard errors with two eyes a patient that are alike.
_WINDOW = 5.0


def weighted_median(values: Floats, weights: Weights) -> Floats:
    """Median of the values repeated as often as the weights say: (resamples,).

    Args:
        values: (eyes,).
        weights: (resamples, eyes), whole numbers.
    """
    n = len(values)
    if not n:
        return np.full(len(weights), np.nan)
    order = np.argsort(values, kind="stable")
    reach = int(_WINDOW * np.sqrt(n)) + 1
    first, end = max(0, n // 2 - reach), min(n, n // 2 + reach + 1)
    early = np.zeros(n)
    early[order[:first]] = 1.0
    before, total = weights @ early, weights.sum(axis=1)
    ranks = before[:, None] + np.cumsum(weights[:, order[first:end]], axis=1)
    low, high = np.floor((total - 1) / 2), np.floor(total / 2)
    if not ((before <= low) & (high < ranks[:, -1]))[total > 0].all():
        first = 0
        ranks = np.cumsum(weights[:, order], axis=1)
    lower = first + (ranks > low[:, None]).argmax(axis=1)
    upper = first + (ranks > high[:, None]).argmax(axis=1)
    ordered = values[order]
    return np.where(total > 0, (ordered[lower] + ordered[upper]) / 2, np.nan)


def spearman(first: Floats, second: Floats, weights: Weights) -> Floats:
    """Spearman's rank correlation, ties at their mean rank: (resamples,), NaN without spread.

    Equals `scipy.stats.spearmanr` of the repeated eyes.

    Args:
        first: (eyes,).
        second: (eyes,).
        weights: (resamples, eyes), whole numbers.
    """
    if not len(first):
        return np.full(len(weights), np.nan)
    total = weights.sum(axis=1, keepdims=True)
    a, b = (_middle_ranks(values, weights) - (total + 1) / 2 for values in (first, second))
    weighted = weights * a
    across = np.einsum("re,re->r", weighted, b)
    along_a = np.einsum("re,re->r", weighted, a)
    along_b = np.einsum("re,re,re->r", weights, b, b)
    product = along_a * along_b
    # A sum of squares of half ranks is 0 or at least 0.25.
    return across / np.sqrt(np.where(product > 0.01, product, np.nan))


def _middle_ranks(values: Floats, weights: Weights) -> Floats:
    """Rank of each eye among the repeated eyes, ties at their mean: (resamples, eyes)."""
    distinct, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    at_value = weights[:, order]
    if len(distinct) < len(values):
        starts = np.flatnonzero(np.diff(place[order], prepend=-1))
        at_value = np.add.reduceat(at_value, starts, axis=1)
    up_to = np.cumsum(at_value, axis=1)
    up_to -= at_value / 2 - 0.5
    return up_to[:, place]
