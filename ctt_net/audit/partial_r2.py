"""How much of an outcome some features tell beyond what is given, and whether chance would too.

Ridge regression, each eye predicted from other patients. Chance is measured by permuting the
patients' residuals (Freedman and Lane 1983, doi 10.1080/07350015.1983.10509354), for the largest
share over the penalties as for the observed one, so that choosing the penalty costs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from ctt_net.audit.chance import permutations, ratio_figure

Floats = NDArray[np.float64]

FOLDS = 5
# The smallest p-value must outlast the correction for some thirty questions.
PERMUTATIONS = 4999
_BLOCK = 500
_CLEARLY_CHANCE = 20  # permutations that did as well: the p-value is known well enough
_PENALTIES = (0.03, 0.3, 3.0)
_SEED = 0


@dataclass(frozen=True)
class Explained:
    """What features tell.

    Args:
        share: Of the variance that is left beyond what is given; below 0 = worse than nothing.
        figure: The same with its interval.
        p_value: Chance of as much; 1 below the floor, where nothing was permuted.
    """

    share: float
    figure: dict[str, Any]
    p_value: float


def beyond(values: Floats, given: Floats) -> Floats:
    """What a least-squares fit on `given` and a constant leaves of (E,) or (E, F) values."""
    design = np.column_stack([np.ones(len(given)), given])
    return np.asarray(values - design @ np.linalg.lstsq(design, values, rcond=None)[0])


def explained(
    features: Floats,
    target: Floats,
    given: Floats,
    patients: NDArray[Any],
    floor: float,
    seed: int = _SEED,
) -> Explained:
    """Predict what `given` leaves of the target from what it leaves of the features.

    Args:
        features: (E, F), no NaN; each of its own scale.
        target: (E,), no NaN.
        given: (E, G), no NaN.
        patients: (E,).
        floor: Share below which nothing would be concluded, so nothing is permuted.
        seed: Of folds and permutations.
    """
    left = beyond(target, given)
    x = beyond(features, given)
    spread = x.std(axis=0)
    x = x[:, spread > 1e-9 * (np.abs(features).max(axis=0, initial=0) + 1e-300)]
    x = x / np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    if not x.shape[1] or not np.ptp(left) > 1e-12:
        return Explained(0.0, {"value": 0.0, "ci95": [None, None]}, 1.0)
    return explained_by(_linear(x), left, given, patients, floor, seed)


def explained_by_kernel(
    kernel: Floats,
    target: Floats,
    given: Floats,
    patients: NDArray[Any],
    floor: float,
) -> Explained:
    """The same with features known by their (E, E) products only, such as whole pictures."""
    left = beyond(target, given)
    # Only centred: where features are as many as eyes, what a fit on `given` leaves of them knows
    # what it leaves of the target.
    nothing = np.zeros((len(kernel), 0))
    products = beyond(beyond(kernel, nothing).T, nothing)
    trace = float(np.trace(products))
    if trace <= 0 or not np.ptp(left) > 1e-12:
        return Explained(0.0, {"value": 0.0, "ci95": [None, None]}, 1.0)
    fit = _on_products(products / trace * len(products))
    return explained_by(fit, left, given, patients, floor, _SEED)


_Predict = Callable[[Floats], Floats]
_Fit = Callable[[NDArray[np.int64], NDArray[np.int64], float], _Predict]


def _on_products(products: Floats) -> _Fit:
    """Ridge by the (E, E) products of the features."""

    def fit(train: NDArray[np.int64], test: NDArray[np.int64], penalty: float) -> _Predict:
        factor = cho_factor(products[np.ix_(train, train)] + penalty * np.eye(len(train)))
        across = products[np.ix_(test, train)]
        return lambda y: across @ cho_solve(factor, y)

    return fit


def _linear(x: Floats) -> _Fit:
    """Ridge on columns of SD 1; on their products where they are more than the eyes."""
    if x.shape[1] >= len(x) // 2:
        return _on_products(x @ x.T / x.shape[1])

    def fit(train: NDArray[np.int64], test: NDArray[np.int64], penalty: float) -> _Predict:
        inner = x[train].T @ x[train] + penalty * len(train) * np.eye(x.shape[1])
        factor = cho_factor(inner)
        return lambda y: x[test] @ cho_solve(factor, x[train].T @ y)

    return fit


def explained_by(
    fit: _Fit, left: Floats, given: Floats, patients: NDArray[Any], floor: float, seed: int
) -> Explained:
    """Cross-fit, and permute where the share reaches the floor."""
    names, codes = np.unique(patients, return_inverse=True)
    fold = (np.random.default_rng(seed).permutation(len(names)) % FOLDS)[codes]
    parts = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(FOLDS)]
    parts = [(train, test) for train, test in parts if len(train) and len(test)]
    fits = [[(test, train, fit(train, test, p)) for train, test in parts] for p in _PENALTIES]

    def predict(y: Floats) -> Floats:
        """(penalties, E, columns of y)."""
        out = np.zeros((len(fits), *y.shape))
        for number, folds in enumerate(fits):
            for test, train, made in folds:
                out[number, test] = made(y[train])
        return out

    def shares(y: Floats) -> Floats:
        return np.asarray(1 - ((y - predict(y)) ** 2).sum(axis=1) / (y**2).sum(axis=0))

    column = left[:, None]
    of_each = shares(column)[:, 0]
    best = int(of_each.argmax())
    share = float(of_each[best])
    missed = (left - predict(column)[best, :, 0]) ** 2
    figure = ratio_figure(left**2 - missed, left**2, patients)
    p_value = 1.0
    if share >= floor:
        # What is permuted must again hold nothing of what is given, as the observed does.
        p_value = _chance(
            lambda y: shares(beyond(y, given)).max(axis=0), left, share, patients, seed
        )
    return Explained(share, figure, p_value)


def _chance(
    statistic: Callable[[Floats], Floats],
    left: Floats,
    observed: float,
    patients: NDArray[Any],
    seed: int,
) -> float:
    """Share of permutations that reach the observed value; stops early where many do."""
    done = reached = 0
    as_much = observed * (1 - 1e-9)  # a permutation of equals rounds a little differently
    block: list[NDArray[np.int64]] = []
    for drawn in permutations(patients, PERMUTATIONS, seed):
        block.append(drawn)
        if len(block) == _BLOCK or done + len(block) == PERMUTATIONS:
            reached += int((statistic(left[np.array(block)].T) >= as_much).sum())
            done += len(block)
            block = []
            if reached >= _CLEARLY_CHANCE:
                break
    return (1 + reached) / (1 + done)
