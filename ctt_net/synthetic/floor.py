"""What a perfect reader of the scans predicts who does not know the causes that no scan shows.

The reader knows the lesions, the age, how much signal the cataract takes from the scans, its kind,
the preoperative acuity as the chart gave it, and the population that the eye was drawn from. From
these the distribution of the eye's potential follows by Bayes' rule; its median has the smallest
mean absolute error of all predictions. Eyes are read one by one: nothing is learnt from a fellow
eye.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import norm

from ctt_net.synthetic.eye import (
    CHART_LINES,
    COUNTS_FINGERS_FROM_LOGMAR,
    SEES_HAND_MOTION_FROM_LOGMAR,
    WORST_POTENTIAL_LOGMAR,
    SimulatedEye,
    healthy_logmar,
    lesions_logmar,
    retest_sd_logmar,
)
from ctt_net.synthetic.population import (
    FOVEAL_OWN_LOGMAR_SD,
    LENS_LOG_PER_YEAR,
    LENS_LOG_SD,
    LENS_MEDIAN_LOGMAR,
    SIGNAL_LOG_SD,
    WORST_LENS_LOGMAR,
    WORST_SIGNAL_LOSS_DB,
    typical_signal_loss_db,
)
from ctt_net.synthetic.unseen import unseen_distribution

Floats = NDArray[np.float64]

STEP = 0.01
BEST_LOGMAR = -0.5
_POTENTIAL = np.arange(BEST_LOGMAR, WORST_POTENTIAL_LOGMAR + STEP / 2, STEP)
_LENS = np.arange(STEP, WORST_LENS_LOGMAR + STEP / 2, STEP)
# Quantiles of what varies unseen: of each cause, and of the eye's own acuity.
_UNSEEN_LOGMAR, _UNSEEN_CHANCE = unseen_distribution(60)
_OWN_LOGMAR = FOVEAL_OWN_LOGMAR_SD * norm.ppf((np.arange(25) + 0.5) / 25)


def readable_logmar(
    eyes: Sequence[SimulatedEye], preop_va: Sequence[str] | None
) -> NDArray[np.float64]:
    """Median of each eye's potential, given all but what no scan shows.

    Args:
        eyes: Drawn by the foveal rule.
        preop_va: Preoperative acuities as recorded; None for a reader who does not know them.

    Returns:
        logMAR, (n,).
    """
    readings = chart_probabilities(
        np.arange(len(_POTENTIAL) + len(_LENS) - 1) * STEP + BEST_LOGMAR + _LENS[0]
    )
    medians = np.empty(len(eyes))
    for number, eye in enumerate(eyes):
        chance = _potential_before(eye)
        if preop_va is not None:
            # For every potential, over all cataracts that the signal allows.
            chance = chance * np.correlate(readings[preop_va[number]], _lens_chance(eye), "valid")
        below = np.cumsum(chance) - 0.5 * chance
        medians[number] = np.interp(0.5 * chance.sum(), below, _POTENTIAL)
    return medians


def _potential_before(eye: SimulatedEye) -> Floats:
    """Probability of each potential, before the preoperative acuity is known."""
    shown = lesions_logmar(eye.lesions, eye.rule)
    limit = healthy_logmar(eye.age_years) + np.maximum(shown, _UNSEEN_LOGMAR)
    potential = np.minimum(limit[:, None] + _OWN_LOGMAR, WORST_POTENTIAL_LOGMAR)
    chance = np.broadcast_to(_UNSEEN_CHANCE[:, None] / len(_OWN_LOGMAR), potential.shape)
    # Shared between the two neighbours, so that no step shows.
    place = np.clip((potential - BEST_LOGMAR) / STEP, 0.0, len(_POTENTIAL) - 1.0).ravel()
    low = np.minimum(place.astype(np.intp), len(_POTENTIAL) - 2)
    over = place - low
    size = len(_POTENTIAL)
    return np.asarray(
        np.bincount(low, chance.ravel() * (1.0 - over), size)
        + np.bincount(low + 1, chance.ravel() * over, size)
    )


def _lens_chance(eye: SimulatedEye) -> Floats:
    """Probability of each cataract, logMAR, given its kind, the age and the loss of signal."""
    middle = np.log(LENS_MEDIAN_LOGMAR) + LENS_LOG_PER_YEAR * (eye.age_years - 73.0)
    chance = norm.pdf((np.log(_LENS) - middle) / LENS_LOG_SD) / _LENS * STEP / LENS_LOG_SD
    chance[-1] = ndtr((middle - np.log(WORST_LENS_LOGMAR)) / LENS_LOG_SD)  # all beyond it
    expected = np.log(typical_signal_loss_db(_LENS, eye.cataract))
    most = 1.2 * WORST_SIGNAL_LOSS_DB
    if eye.signal_loss_db >= most:
        return np.asarray(chance * ndtr((expected - np.log(most)) / SIGNAL_LOG_SD))
    return np.asarray(chance * norm.pdf((np.log(eye.signal_loss_db) - expected) / SIGNAL_LOG_SD))


def chart_probabilities(logmar: Floats) -> dict[str, Floats]:
    """Probability of each record of `measure` at these true acuities: text to (n,).

    Example:
        >>> found = chart_probabilities(np.array([0.0, 1.5]))
        >>> round(float(sum(found.values())[0]), 6), round(float(found["1.0"][0]), 2)
        (1.0, 0.79)
    """
    lines = [line for line, _ in CHART_LINES]
    middles = [(one + other) / 2 for one, other in pairwise(lines)]
    edges = [-np.inf, *middles, COUNTS_FINGERS_FROM_LOGMAR, SEES_HAND_MOTION_FROM_LOGMAR, np.inf]
    sd = np.array([retest_sd_logmar(one) for one in logmar])
    below = ndtr((np.array(edges)[:, None] - logmar) / sd)
    texts = [*(text for _, text in CHART_LINES), "CF", "HM"]
    return dict(zip(texts, np.diff(below, axis=0), strict=True))
