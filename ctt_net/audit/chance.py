"""What chance alone would give: patients permuted or resampled, several questions at once."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctt_net.metrics.bootstrap import patient_bootstrap
from ctt_net.metrics.weighted import ratio

Floats = NDArray[np.float64]

LEVEL = 0.95
_RESAMPLES = 1000
_SEED = 0


def permutations(patients: NDArray[Any], many: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Exchange whole patients: each takes the place of one with as many eyes.

    Fellow eyes resemble each other, so an eye alone may not be exchanged for another.

    Args:
        patients: (E,).
        many: How many.
        seed: Same seed, same permutations.

    Yields:
        (E,) the eye that stands at each place.
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


def mean_figure(values: Floats, patients: NDArray[Any]) -> dict[str, Any]:
    """A mean over eyes with its interval: `{"value", "ci95"}`."""
    return ratio_figure(values, np.ones_like(values), patients)


def ratio_figure(above: Floats, below: Floats, patients: NDArray[Any]) -> dict[str, Any]:
    """Sum over sum with its interval, by the patient-cluster bootstrap.

    Args:
        above: (E,) what is summed above the line.
        below: (E,) what is summed below it.
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
    """p-values corrected for their number, so that all together err as seldom as one (Holm 1979).

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    corrected = np.empty(len(order))
    highest = 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - place) * p_values[index]))
        corrected[index] = highest
    return [float(p) for p in corrected]
