"""One predictor's table of predictions as what its figures are made of."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.cohort.predictions import FOLD_COLUMN, OUTCOME_PREFIX
from ctt_net.errors import InputError
from ctt_net.metrics.bootstrap import Weights
from ctt_net.metrics.recovery import auroc
from ctt_net.outcome import Outcome


@dataclass(frozen=True)
class Repeat:
    """One predictor in one repeat, eyes sorted.

    Args:
        eyes: (eyes,) place of each eye among all evaluated eyes.
        error: (eyes,) prediction minus truth, logMAR.
        score: (eyes,) how likely recovery is; NaN where unknown.
        recovered: (eyes,) 1.0, 0.0 or NaN.
        width: (eyes,) of the prediction interval, NaN where there is none.
        inside: (eyes,) whether it holds the truth.
    """

    eyes: NDArray[np.int64]
    error: NDArray[np.float64]
    score: NDArray[np.float64]
    recovered: NDArray[np.float64]
    width: NDArray[np.float64]
    inside: NDArray[np.float64]

    def figures(self, weights: Weights) -> dict[str, NDArray[np.float64]]:
        """Each figure per resample; NaN where undefined."""
        own = weights[:, self.eyes]
        decided = np.isfinite(self.score) & np.isfinite(self.recovered)
        area = np.full(len(weights), np.nan)
        if len(np.unique(self.recovered[decided])) == 2:
            area = auroc(self.score[decided], self.recovered[decided], own[:, decided])
        given = np.isfinite(self.width)
        with np.errstate(invalid="ignore", divide="ignore"):
            total, wide = own.sum(axis=1), own[:, given].sum(axis=1)
            return {
                "mae": own @ np.abs(self.error) / total,
                "rmse": np.sqrt(own @ self.error**2 / total),
                "auroc": area,
                "coverage": own[:, given] @ self.inside[given] / wide,
                "width": own[:, given] @ self.width[given] / wide,
            }


def known_rows(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """Rows of known truth, sorted by eye.

    Args:
        table: Checked predictions.
        where: What to call it in errors.

    Raises:
        InputError: If there is none.
    """
    known = table[table["postop_logmar"].notna()]
    known = known.sort_values("eye_id", kind="stable", ignore_index=True)
    if known.empty:
        raise InputError(f"{where}: no eye has a postop_logmar, so nothing can be compared")
    return known


def read_repeat(table: pd.DataFrame, places: pd.Series, outcome: Outcome) -> Repeat:
    """One repeat from its checked rows.

    Args:
        table: As `known_rows` gives them.
        places: Place of each eye among all evaluated eyes, by eye.
        outcome: Recovery question.
    """
    preop, truth, predicted, lower, upper = (
        table[f"{name}_logmar"].to_numpy(np.float64)
        for name in ("preop", "postop", "predicted", "lower", "upper")
    )
    return Repeat(
        eyes=places[table["eye_id"]].to_numpy(),
        error=predicted - truth,
        score=_score(table, outcome, preop, predicted),
        recovered=outcome.label(preop, truth),
        width=upper - lower,
        inside=((truth >= lower) & (truth <= upper)).astype(np.float64),
    )


def _score(
    table: pd.DataFrame,
    outcome: Outcome,
    preop: NDArray[np.float64],
    predicted: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Probability of the outcome, or how far beyond its cut the prediction lies."""
    column = OUTCOME_PREFIX + outcome.name
    if column in table and table[column].notna().any():
        return table[column].to_numpy(np.float64)
    fold = table[FOLD_COLUMN] if FOLD_COLUMN in table else pd.Series(0, index=table.index)
    within = pd.Series(predicted).groupby(fold.to_numpy())
    if len(within) < len(table) and (within.max() == within.min()).all():
        # The mean of the other folds lies away from the fold it is tested on, so that its AUROC
        # would fall far below one half (Parker 2007, doi 10.1186/1471-2105-8-326).
        predicted = np.full_like(predicted, predicted.mean())
    return np.asarray(outcome.margin(preop, predicted), dtype=np.float64)
