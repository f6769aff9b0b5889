"""From the tables that the runs left to figures: out of fold, and on held-out cohorts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.comparison.job import HELD_OUT, Job, fold_table
from benchmarks.comparison.plan import Plan
from benchmarks.comparison.repeated_folds import corrected_interval, fold_differences
from ctt_net.cohort.predictions import FOLD_COLUMN, read_predictions
from ctt_net.metrics.compare import compare_predictors
from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.report.results import PREDICTIONS_FILE

LEVEL = 0.95
OUTCOME = DEFAULT_OUTCOMES[0]
CORRECTED = "corrected_ci95"


@dataclass(frozen=True)
class Scores:
    """All rows on one set of eyes.

    Args:
        evaluated: Which eyes, by which models.
        figures: Row to figures, as `compare_predictors` gives them; where folds allow it with
            `corrected_ci95`, the corrected resampled t interval of the difference.
        references: Row to the row it is compared with.
    """

    evaluated: str
    figures: Mapping[str, Mapping[str, Any]]
    references: Mapping[str, str]


def measure(
    plan: Plan, jobs: Sequence[Job], held_out: Sequence[str], bootstrap: int
) -> list[Scores]:
    """Measure all rows on each set of eyes.

    Args:
        plan: Says what is compared with what.
        jobs: Finished ones; a row takes part if all its seeds do.
        held_out: Names of the held-out cohorts.
        bootstrap: Resamples of patients.
    """
    by_row: dict[str, list[Job]] = {}
    for job in jobs:
        by_row.setdefault(job.row.name, []).append(job)
    whole = {name: by_row[name] for name in by_row if len(by_row[name]) == len(plan.seeds)}
    pairs = plan.references
    references = {name: pairs[name] for name in whole if pairs[name] in whole}
    if not whole:
        return []
    sets = [(OUT_OF_FOLD, {name: _out_of_fold(each) for name, each in whole.items()})]
    for name in held_out:
        if len(jobs[0].folds) > 1:
            ensemble = {row: _ensemble(each, name) for row, each in whole.items()}
            sets.append((f"{name}, held out: ensemble of the folds' models", ensemble))
        single = {row: _single(each, name) for row, each in whole.items()}
        sets.append((f"{name}, held out: one fold's model at a time, averaged", single))
    scores = []
    for evaluated, tables in sets:
        figures = compare_predictors(
            tables, references, OUTCOME, bootstrap=bootstrap, level=LEVEL, seed=0
        )
        if evaluated == OUT_OF_FOLD:
            _add_corrected(figures, tables, whole, references, plan.folds_from == "cohort")
        scores.append(Scores(evaluated, figures, references))
    return scores


OUT_OF_FOLD = "out of fold: each eye by the model that never saw its patient"


def _out_of_fold(jobs: Sequence[Job]) -> dict[str, pd.DataFrame]:
    tables = {}
    for job in jobs:
        table = read_predictions(job.run / PREDICTIONS_FILE)
        tables[f"seed {job.seed}"] = table[table[FOLD_COLUMN].isin(job.folds)]
    return tables


def _ensemble(jobs: Sequence[Job], name: str) -> dict[str, pd.DataFrame]:
    return {
        f"seed {job.seed}": read_predictions(job.run / HELD_OUT / name / PREDICTIONS_FILE)
        for job in jobs
    }


def _single(jobs: Sequence[Job], name: str) -> dict[str, pd.DataFrame]:
    return {
        f"seed {job.seed}, fold {fold}": read_predictions(
            fold_table(job.run / HELD_OUT / name, fold)
        )
        for job in jobs
        for fold in job.folds
    }


def _add_corrected(
    figures: dict[str, dict[str, Any]],
    tables: Mapping[str, Mapping[str, pd.DataFrame]],
    jobs: Mapping[str, Sequence[Job]],
    references: Mapping[str, str],
    same_folds: bool,
) -> None:
    for name, reference in references.items():
        learnt = [size for row in (name, reference) for size in _learnt(jobs[row])]
        if name == reference or not learnt:
            continue
        differences, tested = fold_differences(tables[name], tables[reference], same_folds)
        # Of two sizes the smaller one, which gives the wider interval.
        figures[name][CORRECTED] = corrected_interval(differences, tested / min(learnt), LEVEL)


def _learnt(jobs: Sequence[Job]) -> list[float]:
    """Mean number of eyes a fold of this row learnt from; empty for the truth."""
    sizes = [n for job in jobs for n in job.facts().get("training_eyes", {}).values()]
    return [float(np.mean(sizes))] if sizes else []
