"""Probabilities of recovery that mean what they say, and the cut above which one says yes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Of either class; a line through fewer is chance.
MIN_EVENTS = 10

# A network that ranks eyes at random or worse must still rank them: nothing is turned round.
MIN_SLOPE = 0.01
MAX_SLOPE = 100.0
MAX_INTERCEPT = 100.0

UNCALIBRATED_CUT = 0.5


@dataclass(frozen=True)
class RecoveryCalibration:
    """Logistic recalibration of one outcome: logit = intercept + slope * the network's logit.

    Args:
        slope: Above 0; below 1 the network was too sure.
        intercept: Of the line.
        threshold: Probability from which an eye is called recovered: the share that recovered. With
            a calibrated probability this is Youden's cut, since there, and only there, an eye is as
            likely as the base rate; searching for it instead would add noise. 0.5 where
            nothing was fitted.
        n_eyes: It was fitted on, one of each patient; 0 = nothing was fitted.
        n_recovered: Of those.

    Raises:
        ValueError: If a number is none that `fit` gives.
    """

    slope: float = 1.0
    intercept: float = 0.0
    threshold: float = UNCALIBRATED_CUT
    n_eyes: int = 0
    n_recovered: int = 0

    def __post_init__(self) -> None:
        if not (self.slope > 0 and abs(self.intercept) < np.inf and 0 < self.threshold < 1):
            raise ValueError(f"{self} is no calibration of a probability")

    @classmethod
    def fit(
        cls, logit: NDArray[np.float64], recovered: NDArray[np.float64]
    ) -> "RecoveryCalibration":
        """Maximum likelihood with the targets of Platt (1999), which separable eyes need.

        With fewer than `MIN_EVENTS` eyes of either class nothing is changed.

        Args:
            logit: (E,) of the network, NaN where it cannot say.
            recovered: (E,) 1.0, 0.0, or NaN where it is not known.
        """
        known = np.isfinite(logit) & np.isfinite(recovered)
        x, y = logit[known], recovered[known]
        n, events = len(y), int(y.sum())
        if min(events, n - events) < MIN_EVENTS:
            return cls()
        target = np.where(y == 1, (events + 1) / (events + 2), 1 / (n - events + 2))

        def loss(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            z = line[0] + line[1] * x
            rest = 1 / (1 + np.exp(-np.clip(z, -500, 500))) - target
            value = np.sum(np.logaddexp(0, z) - target * z)
            return value, np.array([rest.sum(), (rest * x).sum()])

        bounds = [(-MAX_INTERCEPT, MAX_INTERCEPT), (MIN_SLOPE, MAX_SLOPE)]
        # Here and not above: a prediction, which fits nothing, starts sooner.
        from scipy.optimize import minimize

        found = minimize(loss, np.array([0.0, 1.0]), jac=True, bounds=bounds, method="L-BFGS-B")
        return cls(float(found.x[1]), float(found.x[0]), events / n, n, events)

    def logit(self, logit: NDArray[np.float64]) -> NDArray[np.float64]:
        """The calibrated logit."""
        return self.intercept + self.slope * logit
