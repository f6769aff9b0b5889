"""A model, or a table of predictions, measured on a cohort."""

from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.baselines.clinical import cross_fit_baselines, left_out_baselines
from ctt_net.cohort import Cohort, read_cohort
from ctt_net.cohort.predictions import check_predictions, read_predictions
from ctt_net.cohort.schema import BOUND_COLUMNS
from ctt_net.data.scans import Progress
from ctt_net.errors import InputError
from ctt_net.inference.evaluation_log import record_evaluation
from ctt_net.inference.training_overlap import input_warnings, load_unseen_scans, origin_warnings
from ctt_net.io.atomic_write import check_writable
from ctt_net.model_folder.facts import model_facts
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.table import lacking_measures, predict_eyes
from ctt_net.outcome import DEFAULT_OUTCOMES, Outcome
from ctt_net.report.results import Results, Setting, measure_results

_OUT_OF_FOLD = (
    "their figures would be too good. For the training cohort read the run's own out-of-fold "
    "metrics.json; otherwise leave them out, or say --allow-training-eyes if ids are shared by "
    "different people"
)


def predict_cohort(
    predictor: Predictor, cohort: Path | str | Cohort, progress: Progress | None = None
) -> pd.DataFrame:
    """Predict all eyes of a cohort.

    Args:
        predictor: One model or an ensemble.
        cohort: The eyes, or their folder.
        progress: Called after each scan read.

    Returns:
        Rows of `predictions.csv`.

    Raises:
        InputError: If the cohort, its views or its covariates do not suit the model.
    """
    cohort = cohort if isinstance(cohort, Cohort) else read_cohort(cohort)
    scans = load_unseen_scans(predictor, cohort, None, progress=progress)
    return predict_eyes(predictor, cohort.table, scans)


def evaluate_model(
    model: Path | str | Predictor,
    cohort: Path | str | Cohort,
    out: Path | str | None = None,
    *,
    allow_training_eyes: bool = False,
    progress: Progress | None = None,
    scan_cache: Path | None = None,
) -> Results:
    """Predict a cohort that the model was not trained on, and measure it beside its baselines.

    Rows of `split` test are taken where there are any, else all rows.

    Args:
        model: Model folder, run folder for the ensemble of its folds, or a predictor.
        cohort: Held-out cohort, or its folder.
        out: Folder to write to; None writes nothing but the record of this test-set evaluation.
        allow_training_eyes: Go on although patients or scans took part in the training.
        progress: Called after each scan.
        scan_cache: As in `load_scans`.

    Raises:
        InputError: If something is wrong, or eyes of the training are found among the rows.
    """
    if out is not None:
        check_writable(Path(out))
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    cohort = cohort if isinstance(cohort, Cohort) else read_cohort(cohort)
    chosen, part = cohort.to_test_on()
    table = chosen.table
    fix = None if allow_training_eyes else _OUT_OF_FOLD
    scans = load_unseen_scans(predictor, chosen, fix, progress=progress, cache=scan_cache)
    predictions = predict_eyes(predictor, table, scans)
    missing = [name for name in predictor.covariates if name not in table]
    baselines = predictor.predict_baselines(
        table.assign(**dict.fromkeys(missing, np.nan))
    ).set_axis(table["eye_id"])
    baselines = baselines.drop(
        columns=left_out_baselines(missing, predictor.covariates), errors="ignore"
    )
    test_set = record_evaluation(predictor, chosen, scans, allow_training_eyes)
    unseen = "eyes that may overlap with the training" if allow_training_eyes else "unseen eyes"
    setting = Setting(
        title=f"{cohort.spec.name}: evaluation on {unseen}",
        evaluated=part,
        model=model_facts(predictor.members),
        interval_level=predictor.level,
        guarantee=predictor.guarantee,
        probability_cuts=predictor.probability_cuts,
        warnings=[
            *_policy_warning(predictor, cohort),
            *_covariate_warning(predictor, table),
            *_measures_warning(predictor, chosen),
            *input_warnings(predictor, chosen, predictions),
            *predictor.warnings,
            *origin_warnings(predictor, table),
            *test_set.warnings,
        ],
        test_set=test_set.figures,
        image_weights=predictor.image_weights,
    )
    results = measure_results(predictions, baselines, predictor.spec.outcomes, chosen, setting)
    if out is not None:
        results.write(Path(out))
    return results


def evaluate_table(
    table: Path | str | pd.DataFrame,
    cohort: Path | str | Cohort,
    out: Path | str | None = None,
    level: float = 0.9,
) -> Results:
    """Measure a table of predictions against a cohort's truth; no model and no scan is needed.

    The baselines are fitted on the cohort's other folds, so they know this cohort better than a
    model from elsewhere does.

    Args:
        table: Predictions or their file; acuities are taken from the cohort.
        cohort: The eyes it is about, or their folder.
        out: Folder to write to; None writes nothing.
        level: Nominal coverage of the table's intervals.

    Raises:
        InputError: If something is wrong, or the table names an eye that the cohort has not.
    """
    if not 0 < level < 1:
        raise InputError(f"--interval-level: {level:g} is no coverage; give a share such as 0.9")
    if out is not None:
        check_writable(Path(out))
    if isinstance(table, pd.DataFrame):
        predictions, where = check_predictions(table, "predictions"), "predictions"
    else:
        predictions, where = read_predictions(table), str(table)
    cohort = cohort if isinstance(cohort, Cohort) else read_cohort(cohort)
    by_eye = cohort.table.set_index("eye_id", drop=False)
    unknown = sorted(set(predictions["eye_id"]) - set(by_eye.index))
    if unknown:
        raise InputError(
            f"{where}: eye {unknown[0]!r} is not in {cohort.root} "
            f"({len(unknown)} such eyes); give the cohort the table was made from"
        )
    rows = by_eye.loc[predictions["eye_id"]].reset_index(drop=True)
    predictions = predictions.drop(columns=list(BOUND_COLUMNS), errors="ignore")
    for column in ("patient_id", "preop_logmar", "postop_logmar", *BOUND_COLUMNS):
        if column in rows:
            predictions[column] = rows[column].to_numpy()
    outcomes, warnings = _outcomes_in(predictions)
    baselines, more = _cross_fitted(cohort, rows[rows["postop_logmar"].notna()])
    setting = Setting(
        title=f"{cohort.spec.name}: evaluation of a table of predictions",
        evaluated="rows of the table; the training eyes are unknown",
        model={"predictions": Path(where).name},
        interval_level=level,
        guarantee="Unknown: a table of predictions does not say how its intervals were made.",
        warnings=[*warnings, *more],
    )
    results = measure_results(predictions, baselines, outcomes, cohort, setting)
    if out is not None:
        results.write(Path(out))
    return results


def _outcomes_in(predictions: pd.DataFrame) -> tuple[tuple[Outcome, ...], list[str]]:
    """The outcomes that a bare table defines by its column names, and what is left out."""
    named = [str(column)[2:] for column in predictions if str(column).startswith("p_")]
    named.remove("recovery")
    known = tuple(outcome for outcome in DEFAULT_OUTCOMES if outcome.name in named)
    left_out = sorted(set(named) - {outcome.name for outcome in known})
    if not named:
        first = DEFAULT_OUTCOMES[0]
        return (first,), [f"p_recovery was taken as the probability of {first.in_words()}"]
    if left_out:
        what = ", ".join(left_out)
        return known, [f"without their model the outcomes {what} have no definition: left out"]
    return known, []


def _cross_fitted(cohort: Cohort, known: pd.DataFrame) -> tuple[pd.DataFrame | None, list[str]]:
    """Baselines by the cohort's own folds; none where it is too small or set aside for testing."""
    try:
        # Eyes of split val are in no fold, and their patients in no other.
        fold = known["eye_id"].map(cohort.folds()).fillna(0)
        fitted = cross_fit_baselines(known, cohort.spec, fold)
    except InputError as error:
        return None, [f"no baselines: {error}"]
    return fitted.set_axis(known["eye_id"]), []


def _policy_warning(predictor: Predictor, cohort: Cohort) -> list[str]:
    ours, theirs = predictor.spec.off_chart_policy, cohort.spec.acuity.off_chart_policy
    if ours == theirs:
        return []
    return [
        f"off-chart acuities count by policy {theirs!r} here and counted by {ours!r} in training"
    ]


def _measures_warning(predictor: Predictor, cohort: Cohort) -> list[str]:
    """Of a comparator that is left out; a network that lacks its measures is refused before."""
    lacking = lacking_measures(cohort, predictor.covariates)
    return [f"without the comparator of {lacking}"] if lacking else []


def _covariate_warning(predictor: Predictor, table: pd.DataFrame) -> list[str]:
    """Said once for the cohort, besides the flag of every eye."""
    columns = [name for name in predictor.spec.covariates if name in table]
    lacking = [name for name in predictor.spec.covariates if name not in columns]
    lacking += [name for name in columns if table[name].isna().all()]
    if not lacking:
        return []
    return [f"unknown for every eye here, and known in training: {', '.join(lacking)}"]
