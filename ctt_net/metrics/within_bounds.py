"""What can be measured where an outcome is known within bounds only.

Arguments: `pred`, `lower` and `upper` (n,), logMAR, ends infinite where open and equal where the
outcome is known exactly; `weights` (n,) for a float or (resamples, n) for (resamples,).
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ctt_net.cohort.outcomes import outcome_bounds
from ctt_net.metrics.bootstrap import Tree, patient_bootstrap
from ctt_net.metrics.weighted import Floats, ratio

# All pairs of more eyes take minutes; so many, by chance, tell an index to the third digit.
MOST_EYES = 3000


def share_inside(
    pred: ArrayLike, lower: ArrayLike, upper: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Share of the eyes whose prediction lies within the bounds of their outcome.

    Example:
        >>> share_inside([0.2, 0.2], [-np.inf, 0.3], [0.3, 0.5])
        0.5
    """
    p, low, high = (np.asarray(one, float) for one in (pred, lower, upper))
    w = np.ones(len(p)) if weights is None else np.asarray(weights, float)
    return ratio(w @ ((low <= p) & (p <= high)).astype(float), w.sum(axis=-1))


def concordance(
    pred: ArrayLike, lower: ArrayLike, upper: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Share of the pairs in order, of those that their bounds order (Harrell et al. 1996).

    A pair is ordered where all that one eye may see is better than all that the other may; equal
    predictions count half (doi 10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4).

    Example:
        >>> concordance([0.1, 0.4, 0.2], [-np.inf, 1.0, 0.5], [0.3, np.inf, 0.5])
        1.0
    """
    p, low, high = (np.asarray(one, float) for one in (pred, lower, upper))
    w = np.ones(len(p)) if weights is None else np.asarray(weights, float)
    ordered = (low[:, None] > high).astype(np.float32)  # the first sees worse
    in_order = ordered * (0.5 + 0.5 * np.sign(p[:, None] - p)).astype(np.float32)
    pairs, right = (((w @ each) * w).sum(axis=-1) for each in (ordered, in_order))
    return ratio(right, pairs)


def within_bounds_figures(
    table: pd.DataFrame, *, bootstrap: int, level: float, seed: int
) -> dict[str, Any] | None:
    """The section `within_bounds` of `metrics.json`, None where every outcome is exact.

    Args:
        table: Checked predictions.
        bootstrap: Resamples of patients.
        level: Confidence level.
        seed: Of the resamples.
    """
    table = table.sort_values("eye_id", kind="stable")
    lower, upper = outcome_bounds(table)
    censored = lower < upper
    if not censored.any():
        return None
    n_eyes = int(censored.sum())
    eyes = np.flatnonzero(~np.isnan(lower))
    if len(eyes) > MOST_EYES:
        eyes = np.sort(np.random.default_rng(seed).choice(eyes, MOST_EYES, replace=False))
    lower, upper, censored = lower[eyes], upper[eyes], censored[eyes]
    predicted = table["predicted_logmar"].to_numpy(float)[eyes]

    def measure(weights: Floats) -> Tree:
        of = predicted[censored], lower[censored], upper[censored]
        return {
            "inside": share_inside(*of, weights[:, censored]),
            "concordance": concordance(predicted, lower, upper, weights),
        }

    patients = table["patient_id"].to_numpy(str)[eyes]
    figures = patient_bootstrap(measure, patients, bootstrap, level, seed)
    return {"n_eyes": n_eyes, **figures}
