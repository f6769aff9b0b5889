"""Intervals from resampled patients.

Two eyes of a patient err alike, so eyes are not independent and an interval from resampled eyes
is too narrow (Rosner 1982). Whole patients are drawn instead: the cluster bootstrap of Field and
Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x, with percentile intervals.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]
"""(resamples, eyes), how often each eye was drawn."""

Statistics = Callable[[Weights], dict[tuple[str, ...], NDArray[np.float64]]]
"""Every figure, named by its path, once per resample."""

# 8 bytes each: 32 MB a block, however large the cohort.
BLOCK_CELLS = 4_000_000

# An interval from a few lucky resamples would look narrower than it is.
DEFINED_SHARE = 0.9


def patient_weights(patients: Sequence[str], resamples: int, seed: int) -> Iterator[Weights]:
    """Draw patients with replacement, in blocks.

    Args:
        patients: Patient of each eye.
        resamples: How many draws in all.
        seed: Same seed, same draws.

    Yields:
        Weights of some of the resamples.
    """
    names, cluster = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    generator = np.random.default_rng(seed)
    even = np.full(len(names), 1.0 / len(names))
    block = max(1, BLOCK_CELLS // len(cluster))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        counts = generator.multinomial(len(names), even, size=size)
        yield counts[:, cluster].astype(np.float64)


def with_intervals(
    statistics: Statistics, patients: Sequence[str], resamples: int, level: float, seed: int
) -> dict[tuple[str, ...], dict[str, Any]]:
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
    values = statistics(np.ones((1, len(patients))))
    blocks = [statistics(weights) for weights in patient_weights(patients, resamples, seed)]
    figures = {}
    for path, value in values.items():
        draws = np.concatenate([block[path] for block in blocks]) if blocks else np.empty(0)
        figures[path] = {
            "value": plain_float(value[0]),
            interval_key(level): percentile_interval(draws, level)
            if np.isfinite(value[0])
            else [None, None],
        }
    return figures


def interval_key(level: float) -> str:
    """Key of an interval in `metrics.json`.

    Example:
        >>> interval_key(0.95)
        'ci95'
    """
    return f"ci{100 * level:g}"


def percentile_interval(draws: NDArray[np.float64], level: float) -> list[float | None]:
    """Percentile interval, or two None where too many resamples leave the figure undefined."""
    defined = draws[np.isfinite(draws)]
    if len(defined) < 2 or len(defined) < DEFINED_SHARE * len(draws):
        return [None, None]
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return [plain_float(low), plain_float(high)]


def plain_float(value: float) -> float | None:
    """A Python float for JSON; None for NaN and infinities."""
    return float(value) if np.isfinite(value) else None
