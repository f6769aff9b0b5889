"""Partial R2: what features explain of an outcome beyond given variables, with a permutation test.

Ridge regression, each eye predicted from other patients. Chance is measured by permuting the
patients' residuals (Freedman and Lane 1983, doi 10.1080/07350015.1983.10509354), for the largest
R2 over the penalties as for the observed one, so that choosing the penalty costs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from ctt_net.audit.resampling import FOLDS, patient_folds, permutations, ratio_figure

Floats = NDArray[np.float64]

# The smallest p-value must survive the correction for some thirty tests.
PERMUTATIONS = 4999
PENALTIES = (0.03, 0.3, 3.0)
_BLOCK = 500
_CLEARLY_CHANCE = 20  # permutations that reached the observed value: the p-value is known enough


@dataclass(frozen=True)
class PartialR2:
    """Share of the variance left by the given variables that features explain.

    Args:
        value: Cross-validated; below 0 = worse than the mean.
        figure: The same with its interval.
        p_value: By permutation; 1 below the threshold, where nothing was permuted.
    """

    value: float
    figure: dict[str, Any]
    p_value: float

    def text(self) -> str:
        """As a percentage, `none` where nothing is explained."""
        return f"{self.value:.0%}" if self.value > 0 else "none"


_NOTHING = PartialR2(0.0, {"value": 0.0, "ci95": [None, None]}, 1.0)


def residuals(values: Floats, given: Floats) -> Floats:
    """Residuals of (E,) or (E, F) values after least squares on `given` and a constant."""
    design = np.column_stack([np.ones(len(given)), given])
    return np.asarray(values - design @ np.linalg.lstsq(design, values, rcond=None)[0])


def partial_r2(
    features: Floats,
    target: Floats,
    given: Floats,
    patients: NDArray[Any],
    threshold: float,
    seed: int = 0,
) -> PartialR2:
    """Predict the residuals of the target from the residuals of the features.

    Args:
        features: (E, F), no NaN; each of its own scale.
        target: (E,), no NaN.
        given: (E, G), no NaN.
        patients: (E,).
        threshold: R2 below which nothing would be concluded, so nothing is permuted.
        seed: Of folds and permutations.
    """
    left = residuals(target, given)
    x = residuals(features, given)
    spread = x.std(axis=0)
    x = x[:, spread > 1e-9 * (np.abs(features).max(axis=0, initial=0) + 1e-300)]
    x = x / np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    if not x.shape[1] or not np.ptp(left) > 1e-12:
        return _NOTHING
    return _cross_fitted(_linear(x), left, given, patients, threshold, seed)


def partial_r2_of_kernel(
    kernel: Floats, target: Floats, given: Floats, patients: NDArray[Any], threshold: float
) -> PartialR2:
    """The same of features known by their (E, E) inner products only, such as whole pictures."""
    left = residuals(target, given)
    # Only centred: where features are as many as eyes, their residuals after `given` contain those
    # of the target.
    nothing = np.zeros((len(kernel), 0))
    products = residuals(residuals(kernel, nothing).T, nothing)
    trace = float(np.trace(products))
    if trace <= 0 or not np.ptp(left) > 1e-12:
        return _NOTHING
    fit = _on_products(products / trace * len(products))
    return _cross_fitted(fit, left, given, patients, threshold, 0)


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


def _cross_fitted(
    fit: _Fit, left: Floats, given: Floats, patients: NDArray[Any], threshold: float, seed: int
) -> PartialR2:
    """Cross-validate, and permute where the R2 reaches the threshold."""
    fold = patient_folds(patients, seed)
    parts = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(FOLDS)]
    parts = [(train, test) for train, test in parts if len(train) and len(test)]
    fits = [[(test, train, fit(train, test, p)) for train, test in parts] for p in PENALTIES]

    def predict(y: Floats) -> Floats:
        """(penalties, E, columns of y)."""
        out = np.zeros((len(fits), *y.shape))
        for number, folds in enumerate(fits):
            for test, train, made in folds:
                out[number, test] = made(y[train])
        return out

    def r2(y: Floats) -> Floats:
        return np.asarray(1 - ((y - predict(y)) ** 2).sum(axis=1) / (y**2).sum(axis=0))

    column = left[:, None]
    of_each = r2(column)[:, 0]
    best = int(of_each.argmax())
    value = float(of_each[best])
    missed = (left - predict(column)[best, :, 0]) ** 2
    figure = ratio_figure(left**2 - missed, left**2, patients)
    p_value = 1.0
    if value >= threshold:
        # What is permuted must again hold nothing of what is given, as the observed does.
        def statistic(y: Floats) -> Floats:
            return r2(residuals(y, given)).max(axis=0)

        p_value = _permutation_p(statistic, left, value, patients, seed)
    return PartialR2(value, figure, p_value)


def _permutation_p(
    statistic: Callable[[Floats], Floats],
    left: Floats,
    observed: float,
    patients: NDArray[Any],
    seed: int,
) -> float:
    """Share of permutations that reach the observed value; stops early where many do."""
    done = reached = 0
    limit = observed * (1 - 1e-9)  # a permutation of equals rounds a little differently
    block: list[NDArray[np.int64]] = []
    for drawn in permutations(patients, PERMUTATIONS, seed):
        block.append(drawn)
        if len(block) == _BLOCK or done + len(block) == PERMUTATIONS:
            reached += int((statistic(left[np.array(block)].T) >= limit).sum())
            done += len(block)
            block = []
            if reached >= _CLEARLY_CHANCE:
                break
    return (1 + reached) / (1 + done)
