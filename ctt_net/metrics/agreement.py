"""Do prediction and truth agree, eye by eye? Concordance, intraclass correlation, Bland-Altman."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctt_net.metrics.bootstrap import Draws

# Normal quantile of the 95% limits of agreement.
AGREEMENT_Z = 1.96

# Variances below this, logMAR squared, are rounding: all acuities are one and the same.
NO_SPREAD = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Means over the eyes of each resample, all (resamples,).

    Args:
        n: Eyes.
        bias: Mean of prediction minus truth.
        mean_square: Mean square of prediction minus truth.
        mean_predicted: Mean prediction.
        mean_true: Mean truth.
        variance_predicted: Divided by n, not n - 1, as are the next two.
        variance_true: Of the truth.
        covariance: Of the two.
    """

    n: Floats
    bias: Floats
    mean_square: Floats
    mean_predicted: Floats
    mean_true: Floats
    variance_predicted: Floats
    variance_true: Floats
    covariance: Floats

    def figures(self) -> Draws:
        """Figures of agreement and of calibration of the predicted acuity.

        `r2` is measured against the mean of the evaluated eyes and may be negative. `ccc`:
        concordance correlation, Lin 1989, doi 10.2307/2532051. `icc`: ICC(A,1), absolute agreement
        of single readings in a two-way model, McGraw and Wong 1996, doi
        10.1037/1082-989X.1.1.30. Calibration: observed = intercept + slope * predicted by least
        squares; a slope below 1 says that predictions are too extreme.
        """
        spread = np.where(self.variance_true > NO_SPREAD, self.variance_true, np.nan)
        reach = np.where(self.variance_predicted > NO_SPREAD, self.variance_predicted, np.nan)
        either = self.variance_predicted + self.variance_true + self.bias**2
        slope = self.covariance / reach
        return {
            ("r2",): 1.0 - self.mean_square / spread,
            ("ccc",): 2.0 * self.covariance / np.where(either > NO_SPREAD, either, np.nan),
            ("icc",): self._intraclass(),
            ("calibration_slope",): slope,
            ("calibration_intercept",): self.mean_true - slope * self.mean_predicted,
            ("loa", "slope"): self._slope_on_mean(),
        }

    def _intraclass(self) -> Floats:
        """ICC(A,1) from the mean squares of eyes, of the two readings and of what is left."""
        both = self.variance_predicted + self.variance_true
        of_one = self.n / (self.n - 1) / 2
        eyes = of_one * (both + 2 * self.covariance)
        left = of_one * (both - 2 * self.covariance)
        readings = self.n * self.bias**2 / 2
        whole = eyes + left + 2 * (readings - left) / self.n
        return (eyes - left) / np.where((self.n > 1) & (whole > NO_SPREAD), whole, np.nan)

    def _slope_on_mean(self) -> Floats:
        """Slope of prediction minus truth on the mean of the two, as Bland and Altman plot it."""
        across = (self.variance_predicted - self.variance_true) / 2
        along = (self.variance_predicted + self.variance_true + 2 * self.covariance) / 4
        return across / np.where(along > NO_SPREAD, along, np.nan)


def agreement_columns(error: Floats, patient: NDArray[np.intp]) -> Floats:
    """What the limits of agreement sum over eyes: (eyes, 5).

    Args:
        error: (eyes,) prediction minus truth.
        patient: (eyes,) number of each eye's patient.
    """
    eyes = np.bincount(patient)[patient].astype(np.float64)
    own = np.bincount(patient, weights=error)[patient] / eyes
    return np.column_stack([error, own**2, (error - own) ** 2, 1.0 / eyes, eyes])


def limits_of_agreement(totals: Floats, n: Floats) -> Draws:
    """95% limits of agreement whose SD counts the spread between and within patients.

    Bland and Altman 2007, doi 10.1080/10543400701329422, section 3: the variance of one difference
    is that between patients plus that within, from a one-way analysis of variance. With one eye a
    patient it is the ordinary variance.

    Args:
        totals: (resamples, 5) of `agreement_columns`.
        n: (resamples,) eyes.
    """
    error, own_square, within, patients, eyes = totals.T
    bias = error / n
    of_patients = (own_square - n * bias**2) / (patients - 1)
    free = n - patients
    within = np.where(free > 0.5, within / np.maximum(free, 1.0), 0.0)
    eyes_each = (n**2 - eyes) / ((patients - 1) * n)
    between = np.maximum((of_patients - within) / eyes_each, 0.0)
    sd = np.where(patients > 1.5, np.sqrt(between + within), np.nan)
    return {
        ("loa", "lower"): bias - AGREEMENT_Z * sd,
        ("loa", "upper"): bias + AGREEMENT_Z * sd,
    }
