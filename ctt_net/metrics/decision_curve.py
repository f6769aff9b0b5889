"""Would it help to act on the prediction? Net benefit of one stated action over thresholds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctt_net.metrics.bootstrap import Draws, Totals
from ctt_net.outcome import TOLERANCE_LOGMAR, Outcome

Floats = NDArray[np.float64]

THRESHOLDS = tuple(number / 100 for number in range(5, 51, 5))

MODEL = "model"
TREAT_ALL = "treat_all"
TREAT_NONE = "treat_none"

LEFT_OUT = (
    "it predicts an acuity and no probability, and without folds none can be made of it that was "
    "not fitted on these eyes"
)


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


def decision_totals(
    risks: Mapping[str, Floats], event: Floats, chosen: NDArray[np.bool_]
) -> Totals:
    """Net benefit of acting on each risk, on all eyes and on none.

    Net benefit = true positives / n - false positives / n * t / (1 - t), per eye: Vickers and
    Elkin 2006, doi 10.1177/0272989X06295361. Acted on are risks above the threshold t.

    Args:
        risks: Name of a predictor to its probability of the event (eyes,), 0..1.
        event: (eyes,), 1.0 or 0.0.
        chosen: (eyes,), the eyes that count.

    Returns:
        Figures `("curve", "<number of the threshold>", name)`, and the model's benefit beyond the
        better of treating all and none as `model_gain`.
    """
    known = np.where(chosen, event, 0.0)
    one = chosen.astype(np.float64)
    columns = [one, known]
    for risk in risks.values():
        for threshold in THRESHOLDS:
            # 1 - 0.7 is a hair above 0.3: a risk of exactly the threshold is not acted on.
            acted = (np.where(chosen, risk, 0.0) > threshold + 1e-9).astype(np.float64)
            columns += [acted * known, acted * (one - known)]

    def figures(totals: Floats) -> Draws:
        n, events = totals[:, 0], totals[:, 1]
        pairs = totals[:, 2:].reshape(len(totals), len(risks), len(THRESHOLDS), 2)
        out: Draws = {}
        for i, threshold in enumerate(THRESHOLDS):
            odds = threshold / (1 - threshold)
            benefit = (pairs[:, :, i, 0] - odds * pairs[:, :, i, 1]) / n[:, None]
            for j, name in enumerate(risks):
                out[("curve", str(i), name)] = benefit[:, j]
            everyone = (events - odds * (n - events)) / n
            out[("curve", str(i), TREAT_ALL)] = everyone
            out[("curve", str(i), TREAT_NONE)] = np.where(n > 0, 0.0, np.nan)
            if MODEL in risks:
                gain = out[("curve", str(i), MODEL)] - np.maximum(everyone, 0.0)
                out[("curve", str(i), "model_gain")] = gain
        return out

    return Totals(np.column_stack(columns), figures)


def listed_curve(branch: dict[str, Any]) -> list[dict[str, Any]]:
    """The curve as a list of thresholds."""
    return [{"threshold": t, **branch[str(i)]} for i, t in enumerate(THRESHOLDS)]


def risk_of_acuity(
    predicted: Floats, truth: Floats, fold: NDArray[np.int64], outcome: Outcome
) -> Floats:
    """Probability that an eye misses an acuity, from a predictor that gives an acuity only.

    The errors that it made on the eyes of all other folds are added to its prediction; the share
    that lies beyond the cut is the risk. Nothing of an eye's own fold takes part.

    Args:
        predicted: (eyes,), logMAR, out of fold.
        truth: (eyes,), logMAR.
        fold: (eyes,); at least two different ones.
        outcome: Of kind `reach`.

    Returns:
        (eyes,), 0..1.
    """
    cut = (outcome.threshold_logmar or 0.0) + TOLERANCE_LOGMAR
    risk = np.empty(len(predicted))
    for number in np.unique(fold):
        here = fold == number
        errors = np.sort((truth - predicted)[~here])
        reached = np.searchsorted(errors, cut - predicted[here], side="right")
        risk[here] = 1.0 - reached / len(errors)
    return risk
