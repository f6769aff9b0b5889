"""What an interval promises, in words: a number without its condition misleads."""

from collections.abc import Sequence

from ctt_net.errors import count_of
from ctt_net.uncertainty.calibration import OUT_OF_FOLD, SELECTION, Calibration
from ctt_net.uncertainty.conformal import enough

_ELSEWHERE = "Nothing is promised for other patients, devices or ways of measuring acuity."


def guarantee(calibrations: Sequence[Calibration], cohort: str) -> str:
    """One sentence on the promise and its ground, one on where it ends.

    Args:
        calibrations: Of the members.
        cohort: Name of the training cohort.
    """
    first, n = calibrations[0], n_calibrated(calibrations)
    alike = f"{first.level:.0%} of the eyes of patients like those of {cohort}"
    on = count_of(n, "patient")
    if not enough(n, first.level):
        return (
            f"The intervals rest on {on}, and so few can promise no {first.level:.0%}: they are "
            "twice as wide as the largest error asks for."
        )
    if first.measured_on == SELECTION:
        ground = f"about {alike}, from {on} of the selection split, whose errors are a little small"
    elif first.measured_on != OUT_OF_FOLD:
        ground = (
            f"at least {first.level:.0%} of the eyes of patients like the {on} it was calibrated "
            f"on: {first.measured_on} (split conformal)"
        )
    elif len(calibrations) == 1:
        ground = f"at least {alike}, from {on} whom it had never seen (split conformal)"
    else:
        ground = (
            f"about {alike}, from {on}, each unseen by the network asked (cross-conformal; what "
            f"averaging the networks gains is allowed for by an approximation)"
        )
    return f"The intervals are set to hold {ground}. {_ELSEWHERE}"


def calibration_warnings(calibrations: Sequence[Calibration]) -> list[str]:
    """Too few patients for the level are said, whatever the coverage turns out to be."""
    if enough(n_calibrated(calibrations), calibrations[0].level):
        return []
    return [guarantee(calibrations, "")]


def n_calibrated(calibrations: Sequence[Calibration]) -> int:
    """Patients behind the intervals of an ensemble."""
    if calibrations[0].members > 1:
        return calibrations[0].n_patients
    return sum(one.n_patients for one in calibrations)
