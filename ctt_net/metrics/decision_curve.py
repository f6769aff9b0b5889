"""Decision-curve analysis: the net benefit of one stated action over thresholds of the risk."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ctt_net.metrics.weighted import Floats, checked, mean
from ctt_net.outcome import TOLERANCE_LOGMAR, Outcome

THRESHOLDS = tuple(number / 100 for number in range(5, 51, 5))

MODEL = "model"

LEFT_OUT = (
    "it predicts an acuity and no probability, and without folds none can be made of it that was "
    "not fitted on these eyes"
)


def net_benefit(
    risk: ArrayLike, event: ArrayLike, threshold: float, weights: ArrayLike | None = None
) -> Floats:
    """Net benefit per eye of acting on a risk above a threshold: `TP / n - FP / n t / (1 - t)`.

    Vickers and Elkin 2006, doi 10.1177/0272989X06295361.

    Args:
        risk: (n,), 0..1; all 1 = act on everybody.
        event: (n,), 1 or 0.
        threshold: t.
        weights: (n,) or (resamples, n).

    Example:
        >>> net_benefit([0.9, 0.6, 0.2, 0.1], [1, 0, 1, 0], threshold=0.5)
        0.0
    """
    r, y, w = checked(risk, event, weights=weights)
    # 1 - 0.7 is a hair above 0.3: a risk of exactly the threshold is not acted on.
    acted = (r > threshold + 1e-9).astype(np.float64)
    odds = threshold / (1 - threshold)
    return mean(acted * (y - odds * (1 - y)), w)


def decision_curve(
    risks: Mapping[str, Floats], event: Floats, weights: Floats
) -> list[dict[str, Any]]:
    """Net benefit of each risk, of acting on everybody and on nobody, at each threshold.

    Args:
        risks: Name of a predictor to its probability of the event (n,); `model` among them.
        event: (n,), 1.0 or 0.0.
        weights: (resamples, n).

    Returns:
        `threshold`, a figure for each name, `treat_all`, `treat_none`, and `model_gain`: the
        model's beyond the better of the last two.
    """
    curve = []
    for threshold in THRESHOLDS:
        benefit = {
            name: net_benefit(risk, event, threshold, weights) for name, risk in risks.items()
        }
        everyone = net_benefit(np.ones(len(event)), event, threshold, weights)
        nobody = net_benefit(np.zeros(len(event)), event, threshold, weights)
        gain = benefit[MODEL] - np.maximum(everyone, 0.0)
        point = {"threshold": threshold, **benefit, "treat_all": everyone, "treat_none": nobody}
        curve.append({**point, "model_gain": gain})
    return curve


def decision_outcome(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The outcome whose failure is acted on: the first that asks for an acuity to be reached."""
    return next((outcome for outcome in outcomes if outcome.kind == "reach"), None)


def action_in_words(outcome: Outcome) -> str:
    """The one action that the curve is about."""
    return (
        "counsel a guarded prognosis and refer to a retina specialist before surgery, if the "
        f"probability of a postoperative acuity worse than {outcome.threshold_logmar:.2f} logMAR "
        "exceeds the threshold"
    )


def risk_of_acuity(
    predicted: Floats, truth: Floats, fold: NDArray[np.int64], outcome: Outcome
) -> Floats:
    """Probability that an eye misses an acuity, from a predictor that gives an acuity only.

    The errors that it made on the eyes of all other folds are added to its prediction; the share
    that lies beyond the cut is the risk. Nothing of an eye's own fold takes part.

    Args:
        predicted: (n,), logMAR, out of fold.
        truth: (n,), logMAR.
        fold: (n,); at least two different ones.
        outcome: Of kind `reach`.

    Returns:
        (n,), 0..1.
    """
    cut = (outcome.threshold_logmar or 0.0) + TOLERANCE_LOGMAR
    risk = np.empty(len(predicted))
    for number in np.unique(fold):
        here = fold == number
        errors = np.sort((truth - predicted)[~here])
        reached = np.searchsorted(errors, cut - predicted[here], side="right")
        risk[here] = 1.0 - reached / len(errors)
    return risk
