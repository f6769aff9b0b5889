"""How far predicted acuity lies from the truth, for many weightings of the eyes at once."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctt_net.metrics.agreement import Moments, agreement_columns, limits_of_agreement
from ctt_net.metrics.bootstrap import Draws, Statistics, Totals, Weights
from ctt_net.metrics.ranks import spearman, weighted_median

WITHIN_LOGMAR = (0.1, 0.2, 0.3)

# An error of exactly one line is within one line, whatever floating point makes of 0.3 - 0.2.
ROUNDING_LOGMAR = 1e-9

# As of a group that may be told.
FEWEST_WORST = 10

Floats = NDArray[np.float64]


def regression_figures(
    predicted_logmar: Floats,
    true_logmar: Floats,
    weights: Weights,
    patients: Sequence[str] | None = None,
) -> Draws:
    """All regression figures per resample.

    Error is prediction minus truth.

    Args:
        predicted_logmar: (eyes,).
        true_logmar: (eyes,).
        weights: (resamples, eyes), whole numbers, the same for both eyes of a patient.
        patients: Patient of each eye; None = each eye its own.

    Returns:
        Path of each figure to (resamples,), NaN where undefined.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        totals = regression_totals(predicted_logmar, true_logmar, patients)
        return {**totals(weights), **regression_ranks(predicted_logmar, true_logmar)(weights)}


def regression_totals(
    predicted: Floats,
    truth: Floats,
    patients: Sequence[str] | None = None,
    chosen: NDArray[np.bool_] | None = None,
) -> Totals:
    """Figures made of totals.

    Args:
        predicted: (eyes,), logMAR.
        truth: (eyes,), logMAR.
        patients: Patient of each eye; None = each eye its own.
        chosen: (eyes,), the eyes that count; None = all.
    """
    inside = np.ones(len(truth), dtype=bool) if chosen is None else chosen
    p, t = predicted[inside], truth[inside]
    names = np.arange(len(truth)) if patients is None else np.asarray(patients, dtype=str)
    patient = np.unique(names[inside], return_inverse=True)[1]
    error = p - t
    # Centred first: a variance as a difference of large squares would lose its digits.
    centre_p, centre_t = (p.mean(), t.mean()) if len(p) else (0.0, 0.0)
    x, y = p - centre_p, t - centre_t
    near = [np.abs(error) <= limit + ROUNDING_LOGMAR for limit in WITHIN_LOGMAR]
    own = [np.ones(len(p)), np.abs(error), error**2, x, y, x**2, y**2, x * y, *near]
    columns = np.zeros((len(truth), len(own) + 5))
    columns[inside] = np.hstack([np.column_stack(own), agreement_columns(error, patient)])

    def figures(totals: Floats) -> Draws:
        n = totals[:, 0]
        absolute, square, x, y, xx, yy, xy, *near = (totals[:, 1 : len(own)] / n[:, None]).T
        bias = totals[:, len(own)] / n
        moments = Moments(
            n=n,
            bias=bias,
            mean_square=square,
            mean_predicted=centre_p + x,
            mean_true=centre_t + y,
            variance_predicted=np.maximum(xx - x**2, 0.0),
            variance_true=np.maximum(yy - y**2, 0.0),
            covariance=xy - x * y,
        )
        return {
            ("mae",): absolute,
            ("rmse",): np.sqrt(square),
            ("bias",): bias,
            **{
                (f"within_{limit:g}",): share
                for limit, share in zip(WITHIN_LOGMAR, near, strict=True)
            },
            **moments.figures(),
            **limits_of_agreement(totals[:, len(own) :], n),
        }

    return Totals(columns, figures)


def worst_third(truth: Floats) -> NDArray[np.bool_] | None:
    """The third of the eyes that ended worst, equal acuities together.

    Args:
        truth: (eyes,), logMAR.

    Returns:
        (eyes,); None where they are fewer than ten or all ended alike.
    """
    cut = np.sort(truth)[-math.ceil(len(truth) / 3)]
    worst = truth >= cut - ROUNDING_LOGMAR
    return None if worst.all() or worst.sum() < FEWEST_WORST else worst


def regression_ranks(
    predicted: Floats, truth: Floats, chosen: NDArray[np.bool_] | None = None
) -> Statistics:
    """Figures by rank: median absolute error and Spearman's correlation.

    Args:
        predicted: (eyes,), logMAR.
        truth: (eyes,), logMAR.
        chosen: (eyes,), the eyes that count; None = all.
    """
    every = chosen is None or bool(chosen.all())
    inside = np.ones(len(truth), dtype=bool) if chosen is None else chosen
    p, t = predicted[inside], truth[inside]

    def figures(weights: Weights) -> Draws:
        own = weights if every else weights[:, inside]
        return {
            ("median_ae",): weighted_median(np.abs(p - t), own),
            ("spearman",): spearman(p, t, own),
        }

    return figures
