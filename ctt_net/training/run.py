"""Train the folds that are asked for and report on the eyes each one never saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from ctt_net.data.module import EyeDataModule
from ctt_net.errors import InputError
from ctt_net.evaluation import evaluate, write_metrics, write_predictions
from ctt_net.evaluation.report import write_report
from ctt_net.model_folder import Predictor, predict_eyes
from ctt_net.progress import progress_bar
from ctt_net.training.config import TrainingConfig, is_first_process
from ctt_net.training.fold import model_folder, train_fold
from ctt_net.whole_file import write_whole

CONFIG_FILE = "config.yaml"


@dataclass(frozen=True)
class FinishedRun:
    """Where a run lies and how good it is.

    Args:
        folder: Run folder.
        metrics: Out-of-fold figures, None on all but the first process.
    """

    folder: Path
    metrics: dict[str, Any] | None


def train(arguments: Sequence[str]) -> FinishedRun:
    """Train from a configuration.

    Args:
        arguments: Command line after `train`.

    Raises:
        InputError: If configuration or cohort are wrong.
    """
    config = TrainingConfig(arguments)
    run = config.out
    _claim(run, config)
    console = Console(stderr=True, quiet=not is_first_process())
    _, data, _ = config.build(1, run)
    folds = _chosen(config.config.folds, data)
    with progress_bar("reading scans") as progress:
        data.progress = progress
        scans = data.scans
    console.print(
        f"{data.cohort.spec.name}: {len(data.folds)} eyes of known outcome, "
        f"{int(scans.present.sum())} scans; training fold {', '.join(map(str, folds))} "
        f"of {data.folds.nunique()}"
    )
    for fold in folds:
        if config.config.resume and model_folder(run, fold).is_dir():
            console.print(f"fold {fold}: finished already")
            continue
        console.print(f"fold {fold}: training")
        train_fold(config, run, fold, data)
    if not is_first_process():
        return FinishedRun(run, None)
    return FinishedRun(run, _report(run, data, folds))


def _claim(run: Path, config: TrainingConfig) -> None:
    """Make the run folder; an old run is never overwritten."""
    if not is_first_process():
        return
    if run.exists() and any(run.iterdir()) and not config.config.resume:
        raise InputError(
            f"{run} holds a run already; give another --out, or --resume true to go on with it"
        )
    run.mkdir(parents=True, exist_ok=True)
    write_whole(run / CONFIG_FILE, config.resolved())


def _chosen(folds: int | list[int] | None, data: EyeDataModule) -> list[int]:
    known = sorted(int(fold) for fold in data.folds.unique())
    chosen = known if folds is None else [folds] if isinstance(folds, int) else sorted(set(folds))
    for fold in chosen:
        if fold not in known:
            raise InputError(f"--folds {fold}: {data.folder} has folds {known[0]} to {known[-1]}")
    return chosen


def _report(run: Path, data: EyeDataModule, folds: list[int]) -> dict[str, Any]:
    """Out-of-fold predictions with the exported models, and what they are worth."""
    tables, baselines = [], []
    for fold in folds:
        data.fold = fold
        table = data.part("reported")
        predictor = Predictor.load(model_folder(run, fold))
        predicted = predict_eyes(predictor, table, data.scans_of(table))
        tables.append(predicted.assign(fold=fold))
        baselines.append(predictor.predict_baselines(table).set_axis(table["eye_id"]))
    predictions = pd.concat(tables, ignore_index=True)
    beside = pd.concat(baselines)
    write_predictions(predictions, run / "predictions.csv")
    metrics = evaluate(
        predictions, beside, predictor.spec.outcomes, oracle=data.cohort.potential(),
        interval_level=predictor.level,
    )  # fmt: skip
    write_metrics(metrics, run / "metrics.json")
    spec = data.cohort.spec
    write_report(
        metrics, predictions, beside, predictor.spec.outcomes, run / "report.html",
        title=f"{run.name}: out-of-fold",
        cohort={"name": spec.name, "source": spec.source, "evaluated": "out of fold"},
        model={"run": run.name, "folds": ", ".join(map(str, folds))},
        synthetic=spec.synthetic,
    )  # fmt: skip
    return metrics
