"""Intervals from resampled patients.

Two eyes of a patient err alike, so eyes are not independent and an interval from resampled eyes
is too narrow (Rosner 1982). Whole patients are drawn instead: the cluster bootstrap of Field and
Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x. `interval_ends` makes intervals of the draws.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctt_net.metrics.bootstrap_intervals import ends_of, plain_float

Weights = NDArray[np.float64]
"""(resamples, eyes), how often each eye was drawn."""

FigurePath = tuple[str, ...]
"""Where a figure stands in `metrics.json`."""

Draws = dict[FigurePath, NDArray[np.float64]]
"""Every figure, (resamples,), NaN where undefined."""

Statistics = Callable[[Weights], Draws]
"""Every figure as a function of the weights."""

# 8 bytes each: 32 MB a block, however large the cohort.
BLOCK_CELLS = 4_000_000

# Figures by rank touch every eye of every resample. Beyond this many eyes times resamples they get
# fewer resamples, down to a floor at which the end of an interval still lies within a seventh of a
# standard error of where endless resampling would put it.
RANKED_CELLS = 40_000_000
FEWEST_RANKED = 400


@dataclass(frozen=True)
class Totals:
    """Figures that depend on the eyes only through totals over them, which makes them quick.

    Args:
        columns: (eyes, totals), what is summed over eyes.
        figures: Figures as a function of the totals (resamples, totals).
    """

    columns: NDArray[np.float64]
    figures: Callable[[NDArray[np.float64]], Draws]

    def __call__(self, weights: Weights) -> Draws:
        """The figures for given weights of the eyes."""
        return self.figures(weights @ self.columns)


def bootstrap_draws(
    patients: Sequence[str],
    resamples: int,
    seed: int,
    *,
    totals: Iterable[Totals] = (),
    statistics: Sequence[Statistics] = (),
    ranked: Sequence[Statistics] = (),
) -> Draws:
    """Every figure on the eyes themselves, then on each resample of their patients.

    All figures share the same resamples, so that differences of two are paired. NaN and division by
    zero are what an undefined figure is made of, and raise no warning.

    Args:
        patients: Patient of each eye.
        resamples: How many draws.
        seed: Same seed, same draws.
        totals: Figures made of totals; a generator keeps the columns of one at a time in memory.
        statistics: Figures made of the weights of all eyes.
        ranked: The same, on the first `ranked_resamples` only.

    Returns:
        Path to (1 + resamples,), of `ranked` ones to (1 + ranked_resamples,); first the value.
    """
    cluster = _clusters(patients)
    summed = [(_per_patient(total.columns, cluster), total.figures) for total in totals]
    left = 1 + ranked_resamples(len(cluster), resamples)
    parts: dict[FigurePath, list[NDArray[np.float64]]] = {}
    even = np.ones((1, cluster.max() + 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        for counts in chain([even], _patient_counts(cluster, resamples, seed)):
            blocks = [figures(counts @ by_patient) for by_patient, figures in summed]
            if statistics or (ranked and left):
                weights = counts[:, cluster]
                blocks += [figures(weights) for figures in statistics]
                blocks += [figures(weights[:left]) for figures in ranked if left]
                left -= min(left, len(weights))
            for path, values in chain.from_iterable(block.items() for block in blocks):
                parts.setdefault(path, []).append(values)
    return {path: np.concatenate(values) for path, values in parts.items()}


def ranked_resamples(n_eyes: int, resamples: int) -> int:
    """How many resamples figures by rank get."""
    return min(resamples, max(FEWEST_RANKED, RANKED_CELLS // n_eyes))


def patient_weights(patients: Sequence[str], resamples: int, seed: int) -> Iterator[Weights]:
    """Draw patients with replacement, in blocks.

    Args:
        patients: Patient of each eye.
        resamples: How many draws in all.
        seed: Same seed, same draws.

    Yields:
        Weights of some of the resamples.
    """
    cluster = _clusters(patients)
    for counts in _patient_counts(cluster, resamples, seed):
        yield counts[:, cluster]


def with_intervals(
    statistics: Statistics, patients: Sequence[str], resamples: int, level: float, seed: int
) -> dict[FigurePath, dict[str, Any]]:
    """Every figure with its interval; all figures share the same resamples.

    So the interval of a difference between two predictors is a paired one.

    Args:
        statistics: Figures as a function of the weights.
        patients: Patient of each eye.
        resamples: How many draws; fewer than 2 gives no intervals.
        level: Confidence level, 0..1.
        seed: Of the draws.

    Returns:
        Path of each figure to `{"value": x, "ci95": [lo, hi]}`, None where undefined. The key
        says the level.
    """
    draws = bootstrap_draws(patients, resamples, seed, statistics=[statistics])
    n_patients = len(set(patients))
    return {path: figure(path, values, level, n_patients) for path, values in draws.items()}


def figure(
    path: FigurePath, draws: NDArray[np.float64], level: float, n_patients: int
) -> dict[str, Any]:
    """A figure as it stands in `metrics.json`.

    Args:
        path: Where it stands there; its name decides how the interval is made.
        draws: (1 + resamples,), first the value itself.
        level: Confidence level, 0..1.
        n_patients: Patients that were resampled.
    """
    ends = ends_of(path, draws, level, n_patients)
    return {"value": plain_float(draws[0]), interval_key(level): ends}


def interval_key(level: float) -> str:
    """Key of an interval in `metrics.json`.

    Example:
        >>> interval_key(0.95)
        'ci95'
    """
    return f"ci{100 * level:g}"


def _clusters(patients: Sequence[str]) -> NDArray[np.intp]:
    """Number of each eye's patient, patients sorted: (eyes,)."""
    return np.unique(np.asarray(patients, dtype=str), return_inverse=True)[1]


def _patient_counts(
    cluster: NDArray[np.intp], resamples: int, seed: int
) -> Iterator[NDArray[np.float64]]:
    """How often each patient was drawn, in blocks of (some resamples, patients)."""
    n = int(cluster.max()) + 1
    generator = np.random.default_rng(seed)
    block = max(1, BLOCK_CELLS // len(cluster))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = generator.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n)
        yield counts.reshape(size, n).astype(np.float64)


def _per_patient(columns: NDArray[np.float64], cluster: NDArray[np.intp]) -> NDArray[np.float64]:
    """Totals over the eyes of each patient: (patients, totals)."""
    order = np.argsort(cluster, kind="stable")
    starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))
    return np.add.reduceat(columns[order], starts, axis=0)
