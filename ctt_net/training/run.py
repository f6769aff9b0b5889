"""Train the chosen folds and report on the eyes that each was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ctt_net.cohort import development_rows, is_censored, val_rows
from ctt_net.data.module import EyeDataModule
from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.progress import progress_bar
from ctt_net.launch import Failure, Place, run_jobs
from ctt_net.model_folder.facts import model_facts
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.table import predict_eyes
from ctt_net.report.results import Setting, write_results
from ctt_net.training.calibrate import calibrated, for_report, predict_fold
from ctt_net.training.config import TrainingConfig
from ctt_net.training.fit import resumable
from ctt_net.training.fold import FoldJob, fold_folder, model_folder, train_fold
from ctt_net.training.run_folder import CONFIG_FILE, only_training_in
from ctt_net.training.run_log import LOG, is_first_process
from ctt_net.training.start_from import check_no_overlap, start_from
from ctt_net.training.trainer import warn_of_slow_precision
from ctt_net.uncertainty.calibration import n_calibrated


@dataclass(frozen=True)
class FinishedRun:
    """Where a run lies and how good it is.

    Args:
        folder: Run folder.
        metrics: Out-of-fold figures, None where no report was written: on all but the first
            process, or if no fold is finished.
        failures: Folds that failed as jobs of their own.
    """

    folder: Path
    metrics: dict[str, Any] | None
    failures: Sequence[Failure] = ()


def train(arguments: Sequence[str]) -> FinishedRun:
    """Train from a configuration.

    Args:
        arguments: Command line after `train`.

    Raises:
        InputError: If configuration or cohort are wrong.
    """
    config = TrainingConfig(arguments)
    run = config.out
    module, data, trainer = config.build(1, run)
    folds, place = _chosen(config.config.folds, data), config.place
    start = start_from(module.start_from, module.network, data)
    if start is not None:
        check_no_overlap(start.source, data, folds)
    places = [run] if config.config.report else []
    if place is None:
        places += [fold_folder(run, fold) for fold in folds]
    with only_training_in(run, config, places):
        if start is not None:
            LOG.info("starts from %s: %s", start.source.folder, start.in_words())
        if place is None:
            warn_of_slow_precision(trainer)
        failures = _train_folds(config, run, folds, data, place)
        report = config.config.report and is_first_process() and any(run.glob("fold_*/model"))
        return FinishedRun(run, _report(run, data) if report else None, failures)


def _train_folds(
    config: TrainingConfig,
    run: Path,
    folds: list[int],
    data: EyeDataModule,
    place: Place | None,
) -> list[Failure]:
    """Train the folds that are not finished, here or as jobs; those jobs that failed."""
    if config.config.resume:
        for fold in folds:
            resumable(fold_folder(run, fold))  # a damaged checkpoint is refused before long work
    scans = ""
    if place is None:
        with progress_bar("reading scans") as progress:  # once for all folds
            data.progress = progress
            scans = f"{int(data.scans.present.sum())} scans; "
    if is_first_process() and (config.config.report or not (run / CONFIG_FILE).exists()):
        atomic_write(run / CONFIG_FILE, config.resolved())
    val = len(val_rows(data.cohort.table))
    censored = int(is_censored(development_rows(data.cohort.table)).sum())
    LOG.info(
        f"{data.cohort.spec.name}: {len(data.folds) + val} eyes of known outcome, "
        + (f"{censored} of them within bounds only, " if censored else "")
        + (f"{val} of them of split val, which choose the checkpoints, " if val else "")
        + f"{scans}training fold {', '.join(map(str, folds))} of {data.folds.nunique()}"
    )
    if place is not None:
        failures = run_jobs([FoldJob(run, fold) for fold in folds], place)
        for failure in failures:
            LOG.error("%s", failure)
        return failures
    for fold in folds:
        if config.config.resume and model_folder(run, fold).is_dir():
            LOG.info("fold %d: finished already", fold)
            continue
        LOG.info("fold %d: training", fold)
        train_fold(config, run, fold, data)
    return []


def _chosen(folds: int | list[int] | None, data: EyeDataModule) -> list[int]:
    known = sorted(int(fold) for fold in data.folds.unique())
    chosen = known if folds is None else [folds] if isinstance(folds, int) else sorted(set(folds))
    for fold in chosen:
        if fold not in known:
            raise InputError(f"--folds {fold}: {data.folder} has folds {known[0]} to {known[-1]}")
    return chosen


def _report(run: Path, data: EyeDataModule) -> dict[str, Any]:
    """Calibrate every exported model, then predict out of fold; what those predictions are worth.

    A fold has image weight and calibration of its report from the other folds, so that no eye has a
    say in its own prediction or interval.
    """
    folds = [int(fold) for fold in sorted(set(data.folds)) if model_folder(run, fold).is_dir()]
    folds_done = [predict_fold(model_folder(run, fold), fold, data) for fold in folds]
    tables, baselines, predictors = [], [], {}
    for one in folds_done:
        data.fold = one.fold
        table = data.part("test")
        member, calibration = for_report(folds_done, one.fold)
        predictor = Predictor([member], [calibration])
        predicted = [predict_eyes(predictor, *part) for part in data.in_parts(table)]
        tables.append(pd.concat(predicted, ignore_index=True).assign(fold=one.fold))
        baselines.append(predictor.predict_baselines(table).set_axis(table["eye_id"]))
        predictors[one.fold] = predictor
    weakest = min(predictors.values(), key=lambda one: n_calibrated(one.calibrations))
    setting = Setting(
        title=f"{run.name}: out of fold",
        evaluated="out of fold: each eye by the model that was not trained on its patient",
        model={
            "run": run.name,
            "folds": ", ".join(map(str, folds)),
            **model_facts([one.member for one in folds_done]),
        },
        interval_level=predictor.level,
        guarantee=_guarantee(weakest, len(folds)),
        probability_cuts={
            outcome.name: {
                fold: one.probability_cuts[outcome.name] for fold, one in predictors.items()
            }
            for outcome in predictor.spec.outcomes
        },
        warnings=weakest.warnings,
        image_weights=[weight for one in predictors.values() for weight in one.image_weights],
    )
    predictions = pd.concat(tables, ignore_index=True)
    # A fold that an older version trained may lack some of them.
    others = pd.concat(baselines, join="inner")
    outcomes = predictor.spec.outcomes
    return write_results(
        run,
        predictions,
        others,
        outcomes,
        data.cohort,
        setting,
        also=calibrated(folds_done, run),
    )


def _guarantee(predictor: Predictor, folds: int) -> str:
    if folds == 1 or predictor.warnings:
        return predictor.guarantee
    return (
        f"The intervals of each fold are calibrated on the other folds (cross-conformal): they are "
        f"set to cover about {predictor.level:.0%} of the eyes of patients like those of the "
        f"cohort {predictor.spec.cohort!r}; there is no guarantee for others."
    )
