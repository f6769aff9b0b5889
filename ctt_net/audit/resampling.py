"""Permutation of patients, intervals by the patient bootstrap, folds, correction of p-values."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctt_net.metrics.bootstrap import patient_bootstrap
from ctt_net.metrics.weighted import ratio

Floats = NDArray[np.float64]

LEVEL = 0.95
FOLDS = 5
_RESAMPLES = 1000
_SEED = 0


def permutations(patients: NDArray[Any], many: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Permute whole patients: each takes the place of one with as many eyes.

    Fellow eyes resemble each other, so single eyes are not exchangeable.

    Args:
        patients: (E,).
        many: How many.
        seed: Same seed, same permutations.

    Yields:
        (E,) index of the eye that takes each place.
    """
    codes = np.unique(patients, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    count = np.bincount(codes)
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    blocks = [
        order[first[count == eyes][:, None] + np.arange(eyes)] for eyes in np.unique(count)
    ]  # (patients, eyes) each
    rng = np.random.default_rng(seed)
    for _ in range(many):
        drawn = np.empty(len(codes), np.int64)
        for block in blocks:
            drawn[block] = block[rng.permutation(len(block))]
        yield drawn


def patient_folds(patients: NDArray[Any], seed: int = 0) -> NDArray[np.int64]:
    """(E,) number of the cross-validation fold of each eye; patients are kept together."""
    names, codes = np.unique(patients, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(names)) % FOLDS)[codes]


def mean_figure(values: Floats, patients: NDArray[Any]) -> dict[str, Any]:
    """A mean over eyes with its interval: `{"value", "ci95"}`."""
    return ratio_figure(values, np.ones_like(values), patients)


def ratio_figure(above: Floats, below: Floats, patients: NDArray[Any]) -> dict[str, Any]:
    """Sum over sum with its interval, by the patient bootstrap.

    Args:
        above: (E,) summed in the numerator.
        below: (E,) summed in the denominator.
        patients: (E,).
    """
    if not len(above):
        return {"value": None, "ci95": [None, None]}
    figure: dict[str, Any] = patient_bootstrap(
        lambda weights: ratio(weights @ above, weights @ below),
        patients.astype(str),
        _RESAMPLES,
        LEVEL,
        _SEED,
    )
    return figure


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number, family-wise (Holm 1979, Scand J Stat 6:65).

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    raised = np.minimum(p[order] * (len(p) - np.arange(len(p))), 1.0)
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(raised) if len(p) else raised
    return [float(one) for one in adjusted]
