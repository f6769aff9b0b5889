"""A model, or a table of predictions, measured on a cohort."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ctt_net.cohort import Cohort, read_cohort
from ctt_net.data.scans import Progress, Scans, load_scans
from ctt_net.errors import InputError
from ctt_net.evaluation import (
    cross_fit_baselines,
    evaluate,
    read_predictions,
    write_metrics,
    write_predictions,
)
from ctt_net.evaluation.report import write_report
from ctt_net.model_folder import Predictor, arrange_views, predict_eyes
from ctt_net.outcome import DEFAULT_OUTCOMES, Outcome

PREDICTIONS_FILE = "predictions.csv"
METRICS_FILE = "metrics.json"
REPORT_FILE = "report.html"


@dataclass(frozen=True)
class Evaluation:
    """What was measured, and where it was written.

    Args:
        metrics: Contents of metrics.json.
        out: Folder with predictions.csv, metrics.json and report.html.
        n_eyes: Eyes predicted.
        part: Which rows of the cohort these are.
    """

    metrics: dict[str, Any]
    out: Path
    n_eyes: int
    part: str


def evaluate_model(
    model: Path | str,
    cohort_folder: Path | str,
    out: Path | str,
    *,
    allow_training_eyes: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Predict a cohort that the model has not seen, and measure it beside its baselines.

    Rows of `split` test are taken where there are any, else all rows.

    Args:
        model: Model folder, or run folder for the ensemble of its folds.
        cohort_folder: Held-out cohort.
        out: Folder to write to.
        allow_training_eyes: Go on although patients or scans took part in the training.
        progress: Told of each scan read.

    Raises:
        InputError: If something is wrong, or eyes of the training are found among the rows.
    """
    predictor = Predictor.load(model)
    cohort = read_cohort(cohort_folder)
    table, part = _rows(cohort)
    if not allow_training_eyes:
        _refuse_known_patients(predictor, cohort, table)
    chosen = Cohort(cohort.root, cohort.spec, table)
    scans = load_scans(chosen, predictor.spec.preprocessing, progress)
    scans = arrange_views(scans, chosen, predictor.spec)
    if not allow_training_eyes:
        _refuse_known_scans(predictor, chosen, scans)
    predictions = predict_eyes(predictor, table, scans)
    missing = [name for name in predictor.covariates if name not in table]
    baselines = predictor.predict_baselines(
        table.assign(**dict.fromkeys(missing, np.nan))
    ).set_axis(table["eye_id"])
    if missing:
        baselines = baselines.drop(columns="covariates")
    facts = {
        "model": f"{predictor.spec.name} ({len(predictor.members)} members)",
        "trained on": predictor.spec.cohort,
    }
    return _write(
        predictions, baselines, predictor.spec.outcomes, chosen, Path(out), part, facts,
        predictor.level, _policy_warning(predictor, cohort),
    )  # fmt: skip


def evaluate_table(
    predictions_file: Path | str, cohort_folder: Path | str, out: Path | str, level: float = 0.9
) -> Evaluation:
    """Measure a table of predictions against a cohort's truth; no model and no scan is needed.

    The baselines are fitted on the cohort's other folds, so they know this cohort better than a
    model from elsewhere does.

    Args:
        predictions_file: Table of door 3; acuities are taken from the cohort.
        cohort_folder: The eyes it is about.
        out: Folder to write to.
        level: Nominal coverage of the table's intervals.

    Raises:
        InputError: If something is wrong, or the table names an eye that the cohort has not.
    """
    predictions = read_predictions(predictions_file)
    cohort = read_cohort(cohort_folder)
    by_eye = cohort.table.set_index("eye_id", drop=False)
    unknown = sorted(set(predictions["eye_id"]) - set(by_eye.index))
    if unknown:
        raise InputError(
            f"{predictions_file}: eye {unknown[0]!r} is not in {cohort.root} "
            f"({len(unknown)} such eyes); give the cohort the table was made from"
        )
    table = by_eye.loc[predictions["eye_id"]].reset_index(drop=True)
    for column in ("patient_id", "preop_logmar", "postop_logmar"):
        predictions[column] = table[column].to_numpy()
    known = table[table["postop_logmar"].notna()]
    fold = known["eye_id"].map(cohort.folds())
    baselines = None
    if fold.notna().all() and len(set(fold)) > 1:
        baselines = cross_fit_baselines(known, cohort.spec, fold).set_axis(known["eye_id"])
    facts = {"predictions": Path(predictions_file).name}
    return _write(
        predictions, baselines, _outcomes_in(predictions), cohort, Path(out), "rows of the table",
        facts, level, [],
    )  # fmt: skip


def _outcomes_in(predictions: pd.DataFrame) -> tuple[Outcome, ...]:
    """The default outcomes that the table has probabilities for."""
    named = tuple(o for o in DEFAULT_OUTCOMES if f"p_{o.name}" in predictions)
    return named or DEFAULT_OUTCOMES[:1]


def _rows(cohort: Cohort) -> tuple[pd.DataFrame, str]:
    if "split" in cohort.table and (cohort.table["split"] == "test").any():
        return cohort.table[cohort.table["split"] == "test"].reset_index(drop=True), "split test"
    return cohort.table, "all rows"


def _refuse_known_patients(predictor: Predictor, cohort: Cohort, table: pd.DataFrame) -> None:
    seen = [
        patient
        for patient in table["patient_id"].unique()
        if any(member.provenance.knows_patient(str(patient)) for member in predictor.members)
    ]
    if seen:
        raise InputError(
            f"{cohort.root}: {len(seen)} of {table['patient_id'].nunique()} patients took part in "
            f"the training of this model, such as {seen[0]!r}; their figures would be too good. "
            f"For the training cohort read the run's own out-of-fold metrics.json; otherwise leave "
            f"them out, or say --allow-training-eyes if ids are shared by different people"
        )


def _refuse_known_scans(predictor: Predictor, cohort: Cohort, scans: Scans) -> None:
    for eye, view in np.argwhere(scans.present):
        pixels = scans.pixels[eye, view]
        if any(member.provenance.knows_scan(pixels) for member in predictor.members):
            row = cohort.table.iloc[eye]
            raise InputError(
                f"{cohort.root}: a scan of eye {row['eye_id']!r} took part in the training of this "
                f"model under another patient id; leave it out, or say --allow-training-eyes"
            )


def _policy_warning(predictor: Predictor, cohort: Cohort) -> list[str]:
    ours, theirs = predictor.spec.off_chart_policy, cohort.spec.off_chart_policy
    if ours == theirs:
        return []
    return [
        f"off-chart acuities count by policy {theirs!r} here and counted by {ours!r} in training"
    ]


def _write(
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    outcomes: tuple[Outcome, ...],
    cohort: Cohort,
    out: Path,
    part: str,
    facts: dict[str, str],
    level: float,
    warnings: list[str],
) -> Evaluation:
    metrics = evaluate(
        predictions, baselines, outcomes, oracle=cohort.potential(), interval_level=level
    )
    metrics["warnings"] += warnings
    write_predictions(predictions, out / PREDICTIONS_FILE)
    write_metrics(metrics, out / METRICS_FILE)
    spec = cohort.spec
    write_report(
        metrics, predictions, baselines, outcomes, out / REPORT_FILE,
        title=f"{spec.name}: evaluation on eyes the model has not seen",
        cohort={"name": spec.name, "source": spec.source, "evaluated": part},
        model=facts,
        synthetic=spec.synthetic,
    )  # fmt: skip
    return Evaluation(metrics, out, len(predictions), part)
