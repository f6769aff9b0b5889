"""Many predictors of the same eyes beside each other: common resamples, paired differences."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.errors import InputError
from ctt_net.metrics.bootstrap import Weights, with_intervals
from ctt_net.metrics.repeat import known_rows, read_repeat
from ctt_net.outcome import Outcome

Tables = Mapping[str, pd.DataFrame]
"""Predictions of one predictor (door 3) by repeat: a seed, or a seed and a fold's model."""

DIFFERENCE = "mae_difference"


def side_by_side(
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
        outcome: Recovery question of the AUROC; where a table has no `p_<outcome>`, the predicted
            acuity's distance to the cut scores instead.
        bootstrap: Resamples of patients.
        level: Confidence level.
        seed: Of the resamples.

    Returns:
        Name to `{"n_eyes", "n_patients", "repeats": [MAE of each], <figure>: {"value", "ci95"}}`.

    Raises:
        InputError: If eyes or truths differ between predictors, or no truth is known.
    """
    known = {
        name: {repeat: known_rows(table, f"{name}, {repeat}") for repeat, table in tables.items()}
        for name, tables in predictors.items()
    }
    patients = _patients(known)
    places = pd.Series(np.arange(len(patients)), index=patients.index)
    parts = {
        name: [read_repeat(table, places, outcome) for table in tables.values()]
        for name, tables in known.items()
    }

    def statistics(weights: Weights) -> dict[tuple[str, ...], NDArray[np.float64]]:
        draws: dict[tuple[str, ...], NDArray[np.float64]] = {}
        for name, repeats in parts.items():
            each = [repeat.figures(weights) for repeat in repeats]
            for figure in each[0]:
                draws[(name, figure)] = np.mean([one[figure] for one in each], axis=0)
        for name, reference in references.items():
            if name != reference:
                draws[(name, DIFFERENCE)] = draws[(name, "mae")] - draws[(reference, "mae")]
        return draws

    flat = with_intervals(statistics, list(patients), bootstrap, level, seed)
    out: dict[str, dict[str, Any]] = {}
    for name, repeats in parts.items():
        out[name] = {
            "n_eyes": len(patients),
            "n_patients": int(patients.nunique()),
            "repeats": [float(np.abs(repeat.error).mean()) for repeat in repeats],
        }
    for (name, figure), value in flat.items():
        out[name][figure] = value
    return out


def _patients(known: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.Series:
    """Patient of every eye, sorted by eye; all predictors must agree on eyes and truths."""
    columns = ["eye_id", "patient_id", "postop_logmar"]
    first_name, first = next(iter(known.items()))
    for name, tables in known.items():
        if list(tables) != list(first):
            raise InputError(f"{name} has the repeats {list(tables)}, {first_name} {list(first)}")
        for repeat, table in tables.items():
            if not table[columns].equals(first[repeat][columns]):
                raise InputError(
                    f"{name} and {first_name} were not evaluated on the same eyes in {repeat}; "
                    f"the cohort has changed between them, so compare them anew in another folder"
                )
    every = pd.concat(list(first.values())).drop_duplicates("eye_id")
    return every.set_index("eye_id")["patient_id"].sort_index()
