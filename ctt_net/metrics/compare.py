"""Many predictors of the same eyes: common resamples, paired differences."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ctt_net.cohort.predictions import OUTCOME_PREFIX
from ctt_net.errors import InputError
from ctt_net.metrics.bootstrap import Tree, patient_bootstrap
from ctt_net.metrics.classification import auroc
from ctt_net.metrics.eyes import EvaluatedEyes, evaluated_eyes
from ctt_net.metrics.prediction_intervals import coverage, mean_width
from ctt_net.metrics.regression import mae, rmse
from ctt_net.metrics.weighted import Floats
from ctt_net.outcome import Outcome

Tables = Mapping[str, pd.DataFrame]
"""Predictions of one predictor by repeat: a seed, or a seed and a fold's model."""

DIFFERENCE = "mae_difference"


def compare_predictors(
    predictors: Mapping[str, Tables],
    references: Mapping[str, str],
    outcome: Outcome,
    *,
    bootstrap: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Figures of each predictor, averaged over its repeats, with patient-bootstrap intervals.

    All predictors are measured on the same resamples of patients, so `mae_difference` (predictor
    minus its reference; negative = better) is paired. The order of rows does not matter.

    Args:
        predictors: Name to its tables, as `read_predictions` gives them; all hold the same repeats
            and, in each, the same eyes.
        references: Name of a predictor to the one it is compared with; any may be missing.
        outcome: Recovery outcome of the AUROC; where a table has no `p_<outcome>`, the predicted
            acuity's distance to the cut scores instead.
        bootstrap: Resamples of patients.
        level: Confidence level.
        seed: Of the resamples.

    Returns:
        Name to `{"n_eyes", "n_patients", "repeats": [MAE of each], <figure>: {"value", "ci95"}}`.

    Raises:
        InputError: If eyes or truths differ between predictors, or no truth is known.
    """
    eyes = {
        name: {
            repeat: evaluated_eyes(table, None, None, [outcome], f"{name}, {repeat}")
            for repeat, table in tables.items()
        }
        for name, tables in predictors.items()
    }
    patients = _patients(eyes)
    place = pd.Series(np.arange(len(patients)), index=patients.index)
    parts = {
        name: [
            (place[one.table["eye_id"]].to_numpy(), one, _score(one, outcome))
            for one in repeats.values()
        ]
        for name, repeats in eyes.items()
    }

    def statistic(weights: Floats) -> Tree:
        found: Tree = {}
        for name, repeats in parts.items():
            each = [_figures(one, score, weights[:, rows]) for rows, one, score in repeats]
            found[name] = {
                key: np.mean([figures[key] for figures in each], axis=0) for key in each[0]
            }
        for name, reference in references.items():
            if name != reference:
                found[name][DIFFERENCE] = found[name]["mae"] - found[reference]["mae"]
        return found

    figures = patient_bootstrap(statistic, patients.to_numpy(str), bootstrap, level, seed)
    return {
        name: {
            "n_eyes": len(patients),
            "n_patients": int(patients.nunique()),
            "repeats": [mae(one.predicted, one.truth) for _, one, _ in repeats],
            **figures[name],
        }
        for name, repeats in parts.items()
    }


def _figures(eyes: EvaluatedEyes, score: Floats, weights: Floats) -> dict[str, Floats]:
    label = eyes.labels[eyes.outcomes[0].name]
    decided = np.isfinite(score) & np.isfinite(label)
    return {
        "mae": mae(eyes.predicted, eyes.truth, weights),
        "rmse": rmse(eyes.predicted, eyes.truth, weights),
        "auroc": auroc(score[decided], label[decided], weights[:, decided]),
        "coverage": coverage(eyes.lower, eyes.upper, eyes.truth, weights),
        "width": mean_width(eyes.lower, eyes.upper, weights),
    }


def _score(eyes: EvaluatedEyes, outcome: Outcome) -> Floats:
    """Probability of the outcome, or how far beyond its cut the prediction lies: (n,)."""
    column = OUTCOME_PREFIX + outcome.name
    if column in eyes.table and eyes.table[column].notna().any():
        return eyes.table[column].to_numpy(np.float64)
    predicted = eyes.predicted
    fold = np.zeros(len(predicted)) if eyes.fold is None else eyes.fold
    within = pd.Series(predicted).groupby(fold)
    if len(within) < len(predicted) and (within.max() == within.min()).all():
        # One number for every eye of a fold orders nothing, as in `EvaluatedEyes.margin`.
        predicted = np.full_like(predicted, predicted.mean())
    return np.asarray(outcome.margin(eyes.preop, predicted), dtype=np.float64)


def _patients(eyes: Mapping[str, Mapping[str, EvaluatedEyes]]) -> pd.Series:
    """Patient of every eye, sorted by eye; all predictors must agree on eyes and truths."""
    columns = ["eye_id", "patient_id", "postop_logmar"]
    first_name, first = next(iter(eyes.items()))
    for name, repeats in eyes.items():
        if list(repeats) != list(first):
            raise InputError(f"{name} has the repeats {list(repeats)}, {first_name} {list(first)}")
        for repeat, one in repeats.items():
            if not one.table[columns].equals(first[repeat].table[columns]):
                raise InputError(
                    f"{name} and {first_name} were not evaluated on the same eyes in {repeat}; "
                    f"the cohort has changed between them, so compare them anew in another folder"
                )
    every = pd.concat([one.table for one in first.values()]).drop_duplicates("eye_id")
    return every.set_index("eye_id")["patient_id"].sort_index()
