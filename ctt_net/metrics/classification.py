"""Discrimination of recovery: areas under curves, figures at a cut, and the Brier score.

Arguments of all functions: `probability` (or `score`, `called`) and `recovered` (n,), the latter
1 or 0; `weights` (n,) for a float or (resamples, n) for (resamples,), as scikit-learn's
`sample_weight`. NaN where a figure is undefined.
"""

import numpy as np
from numpy.typing import ArrayLike

from ctt_net.metrics.weighted import Floats, checked, mean, ratio, sums_by_value


def auroc(score: ArrayLike, recovered: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Area under the ROC curve: how often a recovered eye scores above another, ties counted half.

    Mann-Whitney form, Hanley and McNeil 1982, doi 10.1148/radiology.143.1.7063747.

    Example:
        >>> auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
        0.75
    """
    s, y, w = checked(score, recovered, weights=weights)
    ones, zeros = np.flatnonzero(y), np.flatnonzero(y == 0)
    zeros = zeros[np.argsort(s[zeros], kind="stable")]
    positive, below = w[..., ones], np.zeros((*w.shape[:-1], len(zeros) + 1))
    np.cumsum(w[..., zeros], axis=-1, out=below[..., 1:])
    # Mean of those below and those below or equal.
    left, right = (np.searchsorted(s[zeros], s[ones], side) for side in ("left", "right"))
    wins = np.einsum("...n,...n->...", positive, below[..., left] + below[..., right]) / 2
    return ratio(wins, positive.sum(axis=-1) * below[..., -1])


def average_precision(
    score: ArrayLike, recovered: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Area under the precision-recall curve: `sum((recall_k - recall_k-1) precision_k)`.

    Davis and Goadrich 2006, doi 10.1145/1143844.1143874.

    Example:
        >>> round(average_precision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]), 3)
        0.833
    """
    s, y, w = checked(score, recovered, weights=weights)
    positive = sums_by_value(-s, w * y)
    hits = np.cumsum(positive, axis=-1)
    called = np.cumsum(sums_by_value(-s, w), axis=-1)
    precision = np.divide(hits, called, out=np.zeros(hits.shape), where=called > 0)
    return ratio((positive * precision).sum(axis=-1), positive.sum(axis=-1))


def sensitivity(
    called: ArrayLike, recovered: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Share of the recovered eyes that were called so: `TP / (TP + FN)`.

    Altman and Bland 1994, doi 10.1136/bmj.308.6943.1552.

    Example:
        >>> sensitivity([1, 1, 0, 0], [1, 1, 1, 0], weights=[1, 1, 2, 1])
        0.5
    """
    c, y, w = checked(called, recovered, weights=weights)
    return ratio(w @ (c * y), w @ y)


def specificity(
    called: ArrayLike, recovered: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Share of the other eyes that were not called: `TN / (TN + FP)`; source as `sensitivity`.

    Example:
        >>> specificity([1, 1, 0, 0], [1, 0, 0, 0], weights=[1, 2, 1, 1])
        0.5
    """
    c, y, w = checked(called, recovered, weights=weights)
    return sensitivity(1 - c, 1 - y, w)


def precision(called: ArrayLike, recovered: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Positive predictive value: `TP / (TP + FP)`.

    Altman and Bland 1994, doi 10.1136/bmj.309.6947.102.

    Example:
        >>> precision([1, 1, 0, 0], [1, 0, 1, 0])
        0.5
    """
    c, y, w = checked(called, recovered, weights=weights)
    return sensitivity(y, c, w)


def npv(called: ArrayLike, recovered: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Negative predictive value: `TN / (TN + FN)`; source as `precision`.

    Example:
        >>> npv([1, 1, 0, 0], [1, 0, 1, 0])
        0.5
    """
    c, y, w = checked(called, recovered, weights=weights)
    return sensitivity(1 - y, 1 - c, w)


def f1(called: ArrayLike, recovered: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Harmonic mean of precision and sensitivity: `2 TP / (2 TP + FP + FN)`.

    Van Rijsbergen 1979, Information Retrieval, chapter 7.

    Example:
        >>> round(f1([1, 1, 0, 0], [1, 0, 0, 0]), 3)
        0.667
    """
    c, y, w = checked(called, recovered, weights=weights)
    return ratio(2 * (w @ (c * y)), w @ (c + y))


def brier(probability: ArrayLike, recovered: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Mean square error of the probability: `mean((p - y)^2)`; 0 = perfect.

    Brier 1950, doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.

    Example:
        >>> round(brier([0.1, 0.8], [0, 1]), 3)
        0.025
    """
    p, y, w = checked(probability, recovered, weights=weights)
    return mean((p - y) ** 2, w)
