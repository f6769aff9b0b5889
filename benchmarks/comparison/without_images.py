"""Rows that need no scan: baselines fitted on the eyes a network would learn from, and the truth.

Their tables are written where a trained run writes its own.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.comparison.job import HELD_OUT, fold_table
from ctt_net.baselines.clinical import MEASURES_BASELINE, Baselines
from ctt_net.cohort import Cohort, read_cohort
from ctt_net.cohort.predictions import write_predictions
from ctt_net.data.module import EyeDataModule
from ctt_net.errors import InputError
from ctt_net.report.results import PREDICTIONS_FILE


def fit_folds(task: Mapping[str, Any]) -> dict[str, Any]:
    """Fit and predict every fold of a baseline, or read the simulated truth.

    Args:
        task: Description of the job.

    Returns:
        Eyes that each fold learnt from.

    Raises:
        InputError: If a held-out cohort shares patients with the training, or the truth is missing.
    """
    data = EyeDataModule(
        task["cohort_folder"],
        n_folds=task["n_folds"],
        seed=task["seed"],
        fold_seed=task["fold_seed"],
        training_eyes=task["training_eyes"],
    )
    run = Path(task["run"])
    held_out = {name: read_cohort(facts["folder"]) for name, facts in task[HELD_OUT].items()}
    out_of_fold: list[pd.DataFrame] = []
    others: dict[str, list[NDArray[np.float64]]] = {name: [] for name in held_out}
    learnt = {}
    for fold in task["folds"]:
        data.fold = fold
        seen = pd.concat([data.part("train"), data.part("val")])
        reported = data.part("test")
        fitted = None
        if task["kind"] == "baseline":
            fitted = Baselines.fit(seen, data.cohort.spec)
            learnt[str(fold)] = len(seen)
        name_of_it = task["baseline"] or task["kind"]
        table = _table(reported, _predict(fitted, name_of_it, data.cohort, reported)).assign(
            fold=fold
        )
        out_of_fold.append(table)
        for name, cohort in held_out.items():
            rows = cohort.to_test_on()[0].table
            _check_not_shared(seen, rows, cohort)
            predicted = _predict(fitted, name_of_it, cohort, rows)
            others[name].append(predicted)
            write_predictions(_table(rows, predicted), fold_table(run / HELD_OUT / name, fold))
    write_predictions(pd.concat(out_of_fold, ignore_index=True), run / PREDICTIONS_FILE)
    for name, cohort in held_out.items():
        ensemble = _table(cohort.to_test_on()[0].table, np.mean(others[name], axis=0))
        write_predictions(ensemble, run / HELD_OUT / name / PREDICTIONS_FILE)
    return {"training_eyes": learnt}


def _predict(
    fitted: Baselines | None, name: str, cohort: Cohort, table: pd.DataFrame
) -> NDArray[np.float64]:
    """What a fitted baseline says; without one, the perfect predictor of this name."""
    if fitted is not None:
        predicted = fitted.predict(table)
        if name not in predicted:
            missing = "covariates"
            if name == MEASURES_BASELINE and cohort.spec.covariates:
                missing = (
                    "covariates measured in scans (ctt-net measure COHORT --add-to NEW_COHORT)"
                )
            raise InputError(
                f"baseline {name}: cohort.yaml of {cohort.spec.name!r} declares no {missing}; "
                "declare some, or take preop_only"
            )
        return predicted[name].to_numpy(np.float64)
    potential = cohort.readable_potential() if name == "reader" else cohort.potential()
    if potential is None:
        raise InputError(
            f"{cohort.root}: not known of these eyes; take the {name} row out of the plan (oracle: "
            "simulated eyes; reader: eyes of ctt-net simulate --rule foveal)"
        )
    return potential.reindex(table["eye_id"]).to_numpy(np.float64)


def _check_not_shared(seen: pd.DataFrame, rows: pd.DataFrame, cohort: Cohort) -> None:
    shared = sorted(set(seen["patient_id"]) & set(rows["patient_id"]))
    if shared:
        raise InputError(
            f"{cohort.root}: {len(shared)} of its patients are among those to learn from, such as "
            f"{shared[0]!r}; hold other patients out"
        )


def _table(table: pd.DataFrame, predicted: NDArray[np.float64]) -> pd.DataFrame:
    """Rows of `predictions.csv`, without interval and without probability."""
    columns = ["eye_id", "patient_id", "preop_logmar", "postop_logmar"]
    return table[columns].assign(
        predicted_logmar=predicted,
        lower_logmar=np.nan,
        upper_logmar=np.nan,
        p_recovery=np.nan,
        flags="",
    )
