"""Selective prediction: what it is worth to report only where the model is confident.

Confidence is minus the width of the interval and correctness minus the absolute error, after the
Correctness-Confidence Rank Correlation (CCRC) of Zhang et al. 2022, arXiv 2207.00156, carried over
from classification to regression. Risk and coverage: El-Yaniv and Wiener 2010, JMLR 11:1605-1641.

Arguments: `error` (n,) absolute errors; `width` (n,), the most confident have the smallest;
`weights` (n,) or (resamples, n), whole numbers.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma

from ctt_net.cohort.predictions import has_flag
from ctt_net.metrics.bootstrap import (
    BLOCK_CELLS,
    Tree,
    affordable_resamples,
    bootstrap_draws,
    interval_key,
    with_intervals,
)
from ctt_net.metrics.bootstrap_intervals import percentile_interval
from ctt_net.metrics.eyes import EvaluatedEyes
from ctt_net.metrics.regression import ROUNDING_LOGMAR, mae, spearman, within_logmar
from ctt_net.metrics.usable_region import (
    HIT_LOGMAR,
    cell_sums,
    like_confidence,
    parts_of_patients,
    usable_figures,
)
from ctt_net.metrics.weighted import Floats, checked, mean, middle_ranks, sums_by_value

RESAMPLES = 1000
COVERAGES = tuple(round(0.05 * i, 2) for i in range(1, 21))

# Flags that say why the model abstained from an eye, with `abstain` beside them, and their words.
REASONS = {
    "no_view": "no scan",
    "unusable_scan": "a scan that is no upright B-scan",
    "other_view": "a scan whose mark names another view",
    "other_eye": "a scan whose mark names the other eye",
    "low_quality": "poor scans",
    "no_preop_va": "acuity before surgery unknown",
    "off_chart_preop": "acuity before surgery off the chart",
    "wide_interval": "the model too unsure of itself",
    "out_of_distribution": "unlike the eyes of the training",
}


def ccrc(error: ArrayLike, width: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Spearman's correlation of confidence and correctness; 0 where one of them is constant.

    Example:
        >>> round(ccrc([0.1, 0.3, 0.2, 0.5], [0.2, 0.3, 0.4, 0.5]), 3)
        0.8
    """
    found = np.nan_to_num(spearman(-np.asarray(error), -np.asarray(width), weights))
    return found if found.ndim else float(found)  # type: ignore[return-value]


def kendall_tau_b(error: Floats, width: Floats) -> float:
    """Kendall's tau-b of confidence and correctness; 0 where one of them is constant.

    Example:
        >>> round(kendall_tau_b(np.array([0.1, 0.3, 0.2, 0.5]), np.array([0.2, 0.3, 0.4, 0.5])), 3)
        0.667
    """
    # Here and not above: it would slow the start of a prediction, which needs none of it.
    from scipy.stats import kendalltau

    if np.ptp(error) == 0 or np.ptp(width) == 0:
        return 0.0
    return float(kendalltau(error, width, variant="b").statistic)


def aurc(error: ArrayLike, width: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Area under the risk-coverage curve: mean over k of the mean error of the k most confident.

    Eyes of equal width come in with their mean, any order of them being as good as another.
    Geifman, Uziel and El-Yaniv 2019, arXiv 1805.08206.

    Example:
        >>> round(aurc([0.1, 0.3, 0.2, 0.5], [0.2, 0.3, 0.4, 0.5]), 3)
        0.194
    """
    e, by, w = checked(error, width, weights=weights)
    count, total = sums_by_value(by, w), sums_by_value(by, w * e)
    before, error_before = np.cumsum(count, axis=-1) - count, np.cumsum(total, axis=-1) - total
    average = np.divide(total, count, out=np.zeros(count.shape), where=count > 0)
    # Sum over the eyes of one width of (errors so far) / (eyes so far), as harmonic numbers.
    numbers = digamma(np.arange(1.0, w.sum(axis=-1).max(initial=0.0) + 2))
    harmonic = numbers[(before + count).astype(int)] - numbers[before.astype(int)]
    area = (total + (error_before - average * before) * harmonic).sum(axis=-1) / w.sum(axis=-1)
    return area if area.ndim else float(area)  # type: ignore[return-value]


def risk_at_coverage(
    error: ArrayLike, width: ArrayLike, coverages: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Mean error of the most confident shares of the eyes: (coverages,) or (resamples, coverages).

    Example:
        >>> risk_at_coverage([0.1, 0.3, 0.2, 0.5], [0.2, 0.3, 0.4, 0.5], [0.5, 1.0]).round(3)
        array([0.2  , 0.275])
    """
    e, by, w = checked(error, width, weights=weights)
    count, total = (np.atleast_2d(sums_by_value(by, one)) for one in (w, w * e))
    taken = np.asarray(coverages, float) * count.sum(axis=-1, keepdims=True)
    start = np.zeros((len(count), 1))
    eyes, sums = (np.hstack([start, np.cumsum(one, axis=-1)]) for one in (count, total))
    rows = zip(taken, eyes, sums, strict=True)
    risk = np.stack([np.interp(k, one, other) / k for k, one, other in rows])
    return risk if w.ndim == 2 else risk[0]


def ccrc_ceiling(width: Floats, draws: int, seed: int) -> Floats:
    """CCRC that a model would reach whose every interval is exactly right: (draws,).

    Its errors are normal with a standard deviation in proportion to the width. Even so a narrow
    interval may miss by more than a wide one, hence the correlation lies far below 1.
    """
    n = len(width)
    rank = middle_ranks(width, np.ones(n)) - (n + 1) / 2
    if not rank.any():
        return np.zeros(draws)
    generator = np.random.default_rng(seed)
    spread = np.sqrt((rank**2).sum() * n * (n * n - 1) / 12)
    found = []
    batch = max(1, BLOCK_CELLS // n)
    for start in range(0, draws, batch):
        error = np.abs(generator.standard_normal((min(batch, draws - start), n))) * width
        # The k-th smallest error has rank k, so the sum of products needs no ranks of its own.
        found.append(rank[np.argsort(error, axis=1)] @ np.arange(1.0, n + 1) / spread)
    return np.concatenate(found)


def selective_figures(
    eyes: EvaluatedEyes, *, bootstrap: int = RESAMPLES, level: float = 0.95, seed: int = 0
) -> dict[str, Any]:
    """`selective` of metrics.json: how well confidence separates good predictions from bad.

    Args:
        eyes: Evaluated eyes.
        bootstrap: Fewer than 2 gives no intervals; the number of resamples is RESAMPLES otherwise.
        level: Confidence level of the intervals.
        seed: Of resamples, simulated errors and parts.

    Returns:
        Figures as `{"value": x, "ci95": [lo, hi]}` (docs/concepts/abstention.md), None where
        undefined. Without two eyes that have an interval only `n_eyes`, `resamples` and
        `abstention`.
    """
    # Rounded, or intervals of one width would differ in the digits that their ends lost.
    width = np.round(eyes.upper - eyes.lower, 9)
    given = np.isfinite(width)
    n, resamples = int(given.sum()), affordable_resamples(len(given), RESAMPLES)
    width, error = width[given], np.abs(eyes.predicted - eyes.truth)[given]
    hit = (error <= HIT_LOGMAR + ROUNDING_LOGMAR).astype(np.float64)
    part, block = parts_of_patients(eyes.patients, seed)[given], like_confidence(width)

    def statistic(weights: Floats) -> Tree:
        if n < 2:
            return {"abstention": _abstention(eyes, weights)}
        w = weights[:, given]
        return {
            "ccrc": ccrc(error, width, w),
            "aurc": aurc(error, width, w),
            "aurc_random": mean(error, w),
            "aurc_oracle": aurc(error, error, w),
            "mae_at": risk_at_coverage(error, width, COVERAGES, w),
            "hit_at": risk_at_coverage(hit, width, COVERAGES, w),
            "cells": [cell_sums(part, block, values, w) for values in (np.ones(n), hit, error)],
            "abstention": _abstention(eyes, weights),
        }

    draws = bootstrap_draws(statistic, eyes.patients, resamples, seed)
    n_patients = len(np.unique(eyes.patients)) if bootstrap >= 2 else 0
    counts = {"n_eyes": n, "resamples": resamples}
    if n < 2:
        return {**counts, **with_intervals(draws, level, n_patients)}
    mae_at, hit_at = draws.pop("mae_at"), draws.pop("hit_at")
    best = risk_at_coverage(error, error, COVERAGES)
    limits = np.sort(width)[np.ceil(np.array(COVERAGES) * n - 1e-9).astype(int).clip(1, n) - 1]
    draws["risk_coverage"] = [
        {
            "coverage": share,
            "max_width_logmar": float(limits[i]),
            "mae": mae_at[:, i],
            "within_0.2": hit_at[:, i],
            "mae_oracle": float(best[i]),
        }
        for i, share in enumerate(COVERAGES)
    ]
    widest = [width[block == number].max() for number in range(block.max() + 1)]
    count, hits, errors = draws.pop("cells")
    draws |= usable_figures(count, hits, errors, np.array(widest))
    ceiling, none, key = ccrc_ceiling(width, resamples, seed), [None, None], interval_key(level)
    ends = percentile_interval(ceiling, level) if bootstrap >= 2 else none
    return {
        **counts,
        **with_intervals(draws, level, n_patients),
        "kendall_tau_b": {"value": kendall_tau_b(error, width), key: none},
        "ccrc_ceiling": {"value": float(ceiling.mean()), key: ends},
    }


def _abstention(eyes: EvaluatedEyes, weights: Floats) -> Tree:
    """Eyes that were reported and eyes that the model abstained from."""
    sides: Tree = {}
    for side, chosen in (("reported", ~eyes.abstained), ("abstained", eyes.abstained)):
        p, t, w = eyes.predicted[chosen], eyes.truth[chosen], weights[:, chosen]
        sides[f"mae_{side}"] = mae(p, t, w)
        sides[f"within_0.2_{side}"] = within_logmar(p, t, HIT_LOGMAR, w)
    abstained = eyes.table[eyes.abstained]
    return {
        "n_abstained": len(abstained),
        "rate": mean(eyes.abstained.astype(np.float64), weights),
        **sides,
        "mae_gap": sides["mae_abstained"] - sides["mae_reported"],
        "flags": {flag: int(has_flag(abstained, flag).sum()) for flag in REASONS},
    }
