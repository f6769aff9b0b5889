"""How well recovery is told from no recovery, for many weightings of the eyes at once."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.cohort.predictions import FOLD_COLUMN
from ctt_net.metrics.bootstrap import Weights
from ctt_net.outcome import Outcome

FIGURES = (
    "auroc",
    "auprc",
    "sensitivity",
    "specificity",
    "precision",
    "npv",
    "f1",
    "brier",
)

# Where nothing else was fixed beforehand: a cut chosen on the evaluated eyes would flatter.
PROBABILITY_CUT = 0.5

ProbabilityCuts: TypeAlias = Mapping[str, float | Mapping[int, float]]
"""Outcome name to the probability from which an eye is called recovered, or to that of each fold:
out of fold, the cut of a fold was fixed on the other folds."""

NO_CUTS: ProbabilityCuts = {}


def recovery_figures(
    probability: NDArray[np.float64],
    recovered: NDArray[np.float64],
    weights: Weights,
    cut: NDArray[np.float64] | float = PROBABILITY_CUT,
) -> dict[tuple[str, ...], NDArray[np.float64]]:
    """Classification figures per resample.

    Args:
        probability: (eyes,), 0..1.
        recovered: (eyes,), 1.0 or 0.0.
        weights: (resamples, eyes).
        cut: Probability from which an eye is called recovered, one or (eyes,).

    Returns:
        Path of each figure to (resamples,); all NaN if only one class is there.
    """
    if len(np.unique(recovered)) < 2:
        return {(name,): np.full(len(weights), np.nan) for name in FIGURES}
    called = (probability >= cut).astype(np.float64)
    hit = weights @ (called * recovered)
    false_alarm = weights @ (called * (1 - recovered))
    miss = weights @ ((1 - called) * recovered)
    rejection = weights @ ((1 - called) * (1 - recovered))
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            ("auroc",): auroc(probability, recovered, weights),
            ("auprc",): average_precision(probability, recovered, weights),
            ("sensitivity",): hit / (hit + miss),
            ("specificity",): rejection / (rejection + false_alarm),
            ("precision",): hit / (hit + false_alarm),
            ("npv",): rejection / (rejection + miss),
            ("f1",): 2 * hit / (2 * hit + false_alarm + miss),
            ("brier",): weights @ (probability - recovered) ** 2 / weights.sum(axis=1),
        }


def cut_of_eyes(table: pd.DataFrame, name: str, cuts: ProbabilityCuts) -> NDArray[np.float64]:
    """The cut of each eye for one outcome: (eyes,).

    Raises:
        ValueError: If cuts are given by fold and an eye's fold is none of them.
    """
    cut = cuts.get(name, PROBABILITY_CUT)
    if not isinstance(cut, Mapping):
        return np.full(len(table), cut)
    by_eye = np.asarray(table[FOLD_COLUMN].map(dict(cut)), dtype=np.float64)
    if np.isnan(by_eye).any():
        raise ValueError(f"{name}: an eye lies in a fold without a cut; there are {sorted(cut)}")
    return by_eye


def plain_cuts(outcomes: Sequence[Outcome], cuts: ProbabilityCuts) -> dict[str, Any]:
    """The cuts that were used, for JSON."""
    used = {outcome.name: cuts.get(outcome.name, PROBABILITY_CUT) for outcome in outcomes}
    return {
        name: {str(fold): one for fold, one in cut.items()} if isinstance(cut, Mapping) else cut
        for name, cut in used.items()
    }


def auroc(
    score: NDArray[np.float64], recovered: NDArray[np.float64], weights: Weights
) -> NDArray[np.float64]:
    """Area under the ROC curve, ties counted half: (resamples,), NaN with one class.

    The Mann-Whitney form on weights; equals `sklearn.metrics.roc_auc_score` with
    `sample_weight=weights[i]`.

    Args:
        score: (eyes,), higher = recovery more likely.
        recovered: (eyes,), 1.0 or 0.0.
        weights: (resamples, eyes).
    """
    positive, negative = _tied_weights(score, recovered, weights)
    below = np.cumsum(negative, axis=1) - negative
    wins = (positive * (below + negative / 2)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return wins / (positive.sum(axis=1) * negative.sum(axis=1))


def average_precision(
    score: NDArray[np.float64], recovered: NDArray[np.float64], weights: Weights
) -> NDArray[np.float64]:
    """Area under the precision-recall curve as a step function: (resamples,).

    Equals `sklearn.metrics.average_precision_score` with `sample_weight=weights[i]`.

    Args:
        score: (eyes,), higher = recovery more likely.
        recovered: (eyes,), 1.0 or 0.0.
        weights: (resamples, eyes).
    """
    positive, negative = _tied_weights(-score, recovered, weights)
    hits = np.cumsum(positive, axis=1)
    called = hits + np.cumsum(negative, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(called > 0, hits / called, 0.0)
        return (positive * precision).sum(axis=1) / hits[:, -1]


def _tied_weights(
    score: NDArray[np.float64], recovered: NDArray[np.float64], weights: Weights
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight of each class at every distinct score, scores ascending: two (resamples, scores)."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf) != 0)
    sorted_weights, label = weights[:, order], recovered[order]
    positive = np.add.reduceat(sorted_weights * label, starts, axis=1)
    negative = np.add.reduceat(sorted_weights * (1 - label), starts, axis=1)
    return positive, negative
