"""The patient bootstrap under any figure of this package.

Two eyes of a patient err alike, so eyes are not independent and an interval from resampled eyes
is too narrow (Rosner 1982). Whole patients are drawn instead: the cluster bootstrap of Field and
Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x. A resample is a row of weights, how often each eye
was drawn; what is computed from the same weights is paired.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctt_net.metrics.bootstrap_intervals import interval_ends, plain_float
from ctt_net.metrics.weighted import Floats

Tree = Any
"""Nested dicts and lists as in `metrics.json`, with arrays (resamples,) in place of figures."""

# Resamples are made in blocks that stay in a processor's cache: 8 bytes a cell, 1 MB; more only of
# cohorts so large that what is done once a block would take longest.
BLOCK_CELLS = 125_000
SMALLEST_BLOCK = 32

# Above 20,000 eyes 2,000 resamples take long and change no digit that is printed: of 100,000 eyes
# 400 are drawn, at which the end of an interval lies within a seventh of a standard error of where
# endless resampling would put it.
MOST_CELLS = 40_000_000
FEWEST_RESAMPLES = 400


def patient_bootstrap(
    statistic: Callable[[Floats], Tree],
    patients: Sequence[Any] | NDArray[Any],
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Tree:
    """Figures with intervals from resampled patients.

    Args:
        statistic: Weights (resamples, n) to an array (resamples,), or to many in nested mappings.
        patients: (n,) patient of each eye.
        resamples: How many draws; fewer than 2 gives no intervals.
        level: Confidence level, 0..1.
        seed: Same seed, same draws.

    Returns:
        The same nesting with `{"value": x, "ci95": [lo, hi]}` for each array; None where undefined.

    Example:
        >>> from ctt_net.metrics.regression import mae
        >>> pred, true = np.array([0.1, 0.4, 0.3, 0.2]), np.array([0.0, 0.2, 0.3, 0.5])
        >>> found = patient_bootstrap(lambda w: mae(pred, true, w), ["a", "a", "b", "c"])
        >>> round(found["value"], 3), [round(end, 3) for end in found["ci95"]]
        (0.15, [0.0, 0.3])
    """
    draws = bootstrap_draws(statistic, patients, resamples, seed)
    return with_intervals(draws, level, len(np.unique(np.asarray(patients))))


def bootstrap_draws(
    statistic: Callable[[Floats], Tree],
    patients: Sequence[Any] | NDArray[Any],
    resamples: int,
    seed: int,
) -> Tree:
    """The statistic of the eyes themselves and of each resample of their patients.

    Arguments as in `patient_bootstrap`.

    Returns:
        What the statistic returns, arrays (1 + resamples, ...): first the value itself.
    """
    parts = [statistic(np.ones((1, len(patients))))]
    parts += [statistic(weights) for weights in patient_weights(patients, resamples, seed)]
    return _joined(parts)


def patient_weights(
    patients: Sequence[Any] | NDArray[Any], resamples: int, seed: int
) -> Iterator[Floats]:
    """Draw patients with replacement.

    Yields:
        (some of the resamples, n), how often each eye was drawn.
    """
    patient = np.unique(np.asarray(patients), return_inverse=True)[1]
    n = int(patient.max()) + 1
    generator = np.random.default_rng(seed)
    block = max(SMALLEST_BLOCK, BLOCK_CELLS // len(patient))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = generator.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        yield counts.astype(np.float64)[:, patient]


def affordable_resamples(n_eyes: int, resamples: int) -> int:
    """Fewer resamples for very many eyes.

    Example:
        >>> affordable_resamples(500, 2000), affordable_resamples(100_000, 2000)
        (2000, 400)
    """
    return min(resamples, max(FEWEST_RESAMPLES, MOST_CELLS // n_eyes))


def with_intervals(
    draws: Tree,
    level: float,
    n_patients: int,
    path: tuple[str, ...] = (),
    n_measured: int | None = None,
) -> Tree:
    """Each array of draws as a figure, `{"value": x, "ci95": [lo, hi]}`; all else as it is.

    Args:
        draws: From `bootstrap_draws`.
        level: Confidence level, 0..1.
        n_patients: Patients that were resampled.
        path: Where the draws stand in `metrics.json`; it decides how the interval is made.
        n_measured: Patients that a figure is of: `n_patients` beside it, where there is one.
    """
    if isinstance(draws, dict):
        own = draws.get("n_patients")
        return {
            name: with_intervals(one, level, n_patients, (*path, name), own)
            for name, one in draws.items()
        }
    if isinstance(draws, list):
        return [with_intervals(one, level, n_patients, path) for one in draws]
    if not isinstance(draws, np.ndarray):
        return draws
    ends = interval_ends(path, draws, level, n_patients, n_measured)
    return {"value": plain_float(draws[0]), interval_key(level): ends}


def interval_key(level: float) -> str:
    """Key of an interval in `metrics.json`.

    Example:
        >>> interval_key(0.95)
        'ci95'
    """
    return f"ci{100 * level:g}"


def _joined(parts: list[Tree]) -> Tree:
    """Trees of one shape as one, their arrays end to end."""
    first = parts[0]
    if isinstance(first, dict):
        return {name: _joined([part[name] for part in parts]) for name in first}
    if isinstance(first, list):
        return [_joined(list(items)) for items in zip(*parts, strict=True)]
    return np.concatenate(parts) if isinstance(first, np.ndarray) else first
