"""Do prediction and truth agree, eye by eye? Concordance, intraclass correlation, Bland-Altman.

Arguments as in `ctt_net.metrics.regression`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ctt_net.metrics.weighted import Floats, checked, ratio

# Normal quantile of the 95% limits of agreement.
AGREEMENT_Z = 1.96

# Variances below this, logMAR squared, are rounding: all acuities are one and the same.
NO_SPREAD = 1e-12


class Moments(NamedTuple):
    """Weighted moments of prediction and truth, each a float or (resamples,); divided by n."""

    n: Floats
    mean_pred: Floats
    mean_true: Floats
    var_pred: Floats
    var_true: Floats
    covariance: Floats


def moments(pred: Floats, true: Floats, weights: Floats) -> Moments:
    """Means, variances and covariance of arrays that are `checked`."""
    # Centred first: a variance as a difference of large squares would lose its digits.
    centre = (pred.mean(), true.mean()) if len(pred) else (0.0, 0.0)
    x, y = pred - centre[0], true - centre[1]
    n = weights.sum(axis=-1)
    sums = weights @ np.column_stack([x, y, x**2, y**2, x * y])
    mx, my, xx, yy, xy = np.moveaxis(np.asarray(ratio(sums, n[..., None])), -1, 0)
    return Moments(
        n,
        centre[0] + mx,
        centre[1] + my,
        np.maximum(xx - mx**2, 0.0),
        np.maximum(yy - my**2, 0.0),
        xy - mx * my,
    )


def ccc(pred: ArrayLike, true: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Concordance correlation: `2 cov / (var(pred) + var(true) + bias^2)`.

    Lin 1989, doi 10.2307/2532051.

    Example:
        >>> round(ccc([0.1, 0.4, 0.3], [0.0, 0.2, 0.3]), 3)
        0.595
    """
    m = moments(*checked(pred, true, weights=weights))
    either = m.var_pred + m.var_true + (m.mean_pred - m.mean_true) ** 2
    return ratio(2.0 * m.covariance, _spread(either))


def icc(pred: ArrayLike, true: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Intraclass correlation ICC(A,1): absolute agreement of single readings, two-way model.

    `(MS_eyes - MS_error) / (MS_eyes + MS_error + 2 (MS_readings - MS_error) / n)`: McGraw and Wong
    1996, doi 10.1037/1082-989X.1.1.30.

    Example:
        >>> round(icc([0.1, 0.4, 0.3], [0.0, 0.2, 0.3]), 3)
        0.688
    """
    m = moments(*checked(pred, true, weights=weights))
    both = m.var_pred + m.var_true
    of_one = ratio(m.n, m.n - 1) / 2
    eyes, error = of_one * (both + 2 * m.covariance), of_one * (both - 2 * m.covariance)
    readings = m.n * (m.mean_pred - m.mean_true) ** 2 / 2
    return ratio(eyes - error, _spread(eyes + error + 2 * ratio(readings - error, m.n)))


def calibration_line(
    pred: ArrayLike, true: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Slope and intercept of the truth on the prediction, by least squares.

    `slope = cov / var(pred)`; below 1, predictions are too extreme. Van Calster et al. 2019, doi
    10.1186/s12916-019-1466-7, for a continuous outcome.

    Example:
        >>> slope, intercept = calibration_line([0.1, 0.4, 0.3], [0.0, 0.2, 0.3])
        >>> round(slope, 3), round(intercept, 3)
        (0.786, -0.043)
    """
    m = moments(*checked(pred, true, weights=weights))
    slope = ratio(m.covariance, _spread(m.var_pred))
    return slope, ratio(m.mean_true - slope * m.mean_pred, 1.0)


def difference_slope(pred: ArrayLike, true: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Slope of `pred - true` on the mean of the two, as Bland and Altman plot them.

    Bland and Altman 1999, doi 10.1177/096228029900800204, section 3.

    Example:
        >>> round(difference_slope([0.1, 0.4, 0.3], [0.0, 0.2, 0.3]), 3)
        0.0
    """
    m = moments(*checked(pred, true, weights=weights))
    across = (m.var_pred - m.var_true) / 2
    return ratio(across, _spread((m.var_pred + m.var_true + 2 * m.covariance) / 4))


def limits_of_agreement(
    pred: ArrayLike,
    true: ArrayLike,
    weights: ArrayLike | None = None,
    patients: ArrayLike | None = None,
) -> tuple[Floats, Floats]:
    """95% limits of agreement: `bias -+ 1.96 SD`, SD^2 = variance between + within patients.

    Bland and Altman 2007, doi 10.1080/10543400701329422, section 3, by a one-way analysis of
    variance; with one eye a patient the SD is the ordinary one.

    Args:
        pred: (n,).
        true: (n,).
        weights: The same for both eyes of a patient.
        patients: (n,) patient of each eye; None = each eye its own.

    Example:
        >>> lower, upper = limits_of_agreement([0.1, 0.4, 0.3], [0.0, 0.2, 0.3])
        >>> round(lower, 3), round(upper, 3)
        (-0.096, 0.296)
    """
    p, t, w = checked(pred, true, weights=weights)
    names = np.arange(len(p)) if patients is None else np.asarray(patients)
    patient = np.unique(names, return_inverse=True)[1]
    error = p - t
    eyes = np.bincount(patient)[patient].astype(np.float64)
    own = np.bincount(patient, weights=error)[patient] / eyes
    columns = np.column_stack([error, own**2, (error - own) ** 2, 1.0 / eyes, eyes])
    total, own_square, within, n_patients, eyes_each = np.moveaxis(w @ columns, -1, 0)
    n = w.sum(axis=-1)
    mean = ratio(total, n)
    of_patients = ratio(own_square - n * mean**2, n_patients - 1)
    free = n - n_patients
    within = np.where(free > 0.5, within / np.maximum(free, 1.0), 0.0)
    divisor = ratio(n**2 - eyes_each, (n_patients - 1) * n)
    variance = np.maximum(ratio(of_patients - within, divisor), 0.0) + within
    reach = AGREEMENT_Z * ratio(variance**0.5, n_patients > 1.5)
    return mean - reach, mean + reach


def _spread(variance: Floats) -> Floats:
    """The variance, 0 where it is but rounding, so that a ratio to it is undefined."""
    return np.where(variance > NO_SPREAD, variance, 0.0)
