"""From the outputs of the members to one estimate: averaged, and calibrated together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctt_net.acuity import preop_band
from ctt_net.outcome import Outcome
from ctt_net.types import ModelOutput
from ctt_net.uncertainty.calibration import Calibration
from ctt_net.uncertainty.conformal import half_widths, shrinkage


@dataclass(frozen=True)
class Estimate:
    """What the ensemble predicts for E eyes.

    Args:
        postop_logmar: (E,) mean over the members.
        lower_logmar: (E,) lower end of the interval (better acuity).
        upper_logmar: (E,) upper end.
        p_recovery: (E, K) calibrated, NaN where an outcome needs a preop acuity that is unknown.
        scale_logmar: (E,) mean scale of the members, before calibration.
    """

    postop_logmar: NDArray[np.float64]
    lower_logmar: NDArray[np.float64]
    upper_logmar: NDArray[np.float64]
    p_recovery: NDArray[np.float64]
    scale_logmar: NDArray[np.float64]


def estimate(
    raws: Sequence[ModelOutput],
    calibrations: Sequence[Calibration],
    outcomes: Sequence[Outcome],
    preop_logmar: NDArray[np.float64],
    preop_off_chart: NDArray[np.bool_] | None = None,
) -> Estimate:
    """Mean location, calibrated half width around it, calibrated mean logit.

    Args:
        raws: Of each member, E eyes.
        calibrations: Of each member.
        outcomes: K of them.
        preop_logmar: (E,), NaN = unknown.
        preop_off_chart: (E,) whether it was counting fingers or less; None = never.
    """
    if preop_off_chart is None:
        preop_off_chart = np.zeros(len(preop_logmar), dtype=bool)
    postop = np.mean([raw.postop_logmar for raw in raws], axis=0)
    scale = np.stack([raw.scale_logmar for raw in raws])
    half = _half_width(calibrations, scale, preop_band(preop_logmar, preop_off_chart))
    # Overflow is far beyond any probability that a float tells from 0 or 1.
    logit = np.clip(_logit(raws, calibrations, outcomes), -500, 500)
    p = 1 / (1 + np.exp(-logit))
    return Estimate(postop, postop - half, postop + half, p, scale.mean(axis=0))


def _half_width(
    calibrations: Sequence[Calibration],
    scale_logmar: NDArray[np.float64],
    band: NDArray[np.str_],
) -> NDArray[np.float64]:
    """(E,), from the members' own scores, or from those of the whole ensemble."""
    first = calibrations[0]
    if first.members > 1:
        mean = scale_logmar.mean(axis=0, keepdims=True)
        return half_widths([first.scores], mean, band, first.level)
    alike = float(np.mean([one.error_correlation for one in calibrations]))
    half = half_widths([one.scores for one in calibrations], scale_logmar, band, first.level)
    return half * shrinkage(len(calibrations), alike)


def _logit(
    raws: Sequence[ModelOutput], calibrations: Sequence[Calibration], outcomes: Sequence[Outcome]
) -> NDArray[np.float64]:
    """(E, K) mean of the members' calibrated logits.

    The mean of calibrated probabilities would be too unsure (Ranjan and Gneiting 2010, doi
    10.1111/j.1467-9868.2009.00726.x).
    """
    logits = [
        np.column_stack(
            [
                calibration.of_outcome(outcome).logit(raw.recovery_logit[:, k])
                for k, outcome in enumerate(outcomes)
            ]
        )
        for raw, calibration in zip(raws, calibrations, strict=True)
    ]
    mean: NDArray[np.float64] = np.mean(logits, axis=0)
    return mean
