"""How far predicted acuity lies from the truth, for many weightings of the eyes at once."""

import numpy as np
from numpy.typing import NDArray

from ctt_net.evaluation.bootstrap import Weights

Path = tuple[str, ...]

WITHIN_LOGMAR = (0.1, 0.2, 0.3)

# An error of exactly one line is within one line, whatever floating point makes of 0.3 - 0.2.
ROUNDING_LOGMAR = 1e-9

# Normal quantile of the 95% limits of agreement.
AGREEMENT_Z = 1.96


def regression_figures(
    predicted_logmar: NDArray[np.float64], true_logmar: NDArray[np.float64], weights: Weights
) -> dict[Path, NDArray[np.float64]]:
    """Regression figures per resample.

    Error is prediction minus truth. `ccc`: concordance correlation, Lin 1989, doi
    10.2307/2532051. `loa`: limits of agreement, Bland and Altman 1986, doi
    10.1016/S0140-6736(86)90837-8. `r2` is measured against the mean of the evaluated eyes and may
    be negative.

    Args:
        predicted_logmar: (eyes,).
        true_logmar: (eyes,).
        weights: (resamples, eyes), whole numbers.

    Returns:
        Path of each figure to (resamples,), NaN where undefined.
    """
    error = predicted_logmar - true_logmar
    absolute = np.abs(error)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = weights.sum(axis=1)
        bias = weights @ error / total
        mean_square = weights @ error**2 / total
        figures: dict[Path, NDArray[np.float64]] = {
            ("mae",): weights @ absolute / total,
            ("rmse",): np.sqrt(mean_square),
            ("median_ae",): weighted_median(absolute, weights),
            ("bias",): bias,
        }
        for limit in WITHIN_LOGMAR:
            inside = (absolute <= limit + ROUNDING_LOGMAR).astype(np.float64)
            figures[(f"within_{limit:g}",)] = weights @ inside / total
        figures.update(_agreement(predicted_logmar, true_logmar, weights, bias, mean_square))
    return figures


def _agreement(
    predicted: NDArray[np.float64],
    truth: NDArray[np.float64],
    weights: Weights,
    bias: NDArray[np.float64],
    mean_square: NDArray[np.float64],
) -> dict[Path, NDArray[np.float64]]:
    """R2, concordance and limits of agreement."""
    total = weights.sum(axis=1)
    # Centred first: a variance as a difference of large squares would lose its digits.
    n = max(len(truth), 1)
    x, y = predicted - predicted.sum() / n, truth - truth.sum() / n
    mean_x, mean_y = weights @ x / total, weights @ y / total
    variance_x = np.maximum(weights @ x**2 / total - mean_x**2, 0.0)
    variance_y = np.maximum(weights @ y**2 / total - mean_y**2, 0.0)
    covariance = weights @ (x * y) / total - mean_x * mean_y
    spread = np.where(variance_y > 1e-12, variance_y, np.nan)
    either = variance_x + variance_y + bias**2
    sd = np.sqrt(np.maximum(mean_square - bias**2, 0.0) * total / (total - 1))
    sd = np.where(total > 1, sd, np.nan)
    return {
        ("r2",): 1.0 - mean_square / spread,
        ("ccc",): 2.0 * covariance / np.where(either > 1e-12, either, np.nan),
        ("loa", "lower"): bias - AGREEMENT_Z * sd,
        ("loa", "upper"): bias + AGREEMENT_Z * sd,
    }


def weighted_median(values: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """Median of the values repeated as often as the weights say: (resamples,).

    Args:
        values: (eyes,).
        weights: (resamples, eyes), whole numbers.
    """
    if not len(values):
        return np.full(len(weights), np.nan)
    order = np.argsort(values, kind="stable")
    ranks = np.cumsum(weights[:, order], axis=1)
    total = ranks[:, -1]
    lower = (ranks > np.floor((total - 1) / 2)[:, None]).argmax(axis=1)
    upper = (ranks > np.floor(total / 2)[:, None]).argmax(axis=1)
    ordered = values[order]
    return np.where(total > 0, (ordered[lower] + ordered[upper]) / 2, np.nan)
