"""What a trained run says of held-out eyes, and what it costs to ask it."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.comparison.job import fold_table, scan_cache
from ctt_net.cohort import Cohort, read_cohort
from ctt_net.cohort.predictions import read_predictions, write_predictions
from ctt_net.data.scans import load_scans
from ctt_net.inference.evaluate import evaluate_model
from ctt_net.model_folder.predictor import Predictor, model_folders
from ctt_net.model_folder.table import arrange_views, predict_eyes
from ctt_net.report.results import PREDICTIONS_FILE
from ctt_net.training.architecture import load_network

# Enough eyes for full batches, few enough to be read in a moment; the quickest of some rounds is
# the one that a busy neighbour disturbed least.
TIMED_EYES = 64
TIMED_ROUNDS = 3


def predict_held_out(run: Path, cohort_folder: Path, out: Path, folds: Sequence[int]) -> None:
    """Evaluate the ensemble of a run on a held-out cohort, and predict it by each fold's model.

    Args:
        run: Run folder.
        cohort_folder: Held-out cohort; eyes of the training are refused.
        out: For the report of the ensemble and `fold_<k>.csv`.
        folds: Whose models.
    """
    predictors = {fold: Predictor.load(run / f"fold_{fold}" / "model") for fold in folds}
    members = [member for predictor in predictors.values() for member in predictor.members]
    cache = scan_cache(run)
    evaluate_model(Predictor(members), cohort_folder, out, scan_cache=cache)
    cohort = read_cohort(cohort_folder)
    evaluated = set(read_predictions(out / PREDICTIONS_FILE)["eye_id"])
    chosen = cohort.where(cohort.table["eye_id"].isin(evaluated))
    spec = predictors[folds[0]].spec
    scans = load_scans(chosen, spec.preprocessing, cache=cache)
    scans = arrange_views(scans, chosen, spec)
    for fold, predictor in predictors.items():
        predicted = predict_eyes(predictor, chosen.table, scans)
        write_predictions(predicted, fold_table(out, fold))


def network_facts(run: Path, cohort_folder: Path, folds: Sequence[int]) -> dict[str, Any]:
    """Size and speed of a run's networks.

    Args:
        run: Run folder.
        cohort_folder: Cohort whose first eyes are predicted for the clock.
        folds: Folds trained.

    Returns:
        Parameters (all, and those that training may change), milliseconds to predict a decoded eye
        by one fold's model, folds trained so far, and eyes that each fold learnt from, those of the
        validation split among them.
    """
    first = run / f"fold_{folds[0]}" / "model"
    parameters = list(load_network(first).parameters())
    members = [Predictor.load(run / f"fold_{fold}" / "model").members[0] for fold in folds]
    learnt = [member.provenance.n_train + member.provenance.n_val for member in members]
    return {
        "parameters": sum(p.numel() for p in parameters),
        "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
        "predict_ms_per_eye": _predict_ms(Predictor.load(first), read_cohort(cohort_folder)),
        "folds_trained": len(model_folders(run)),
        "training_eyes": dict(zip(map(str, folds), learnt, strict=True)),
    }


def _predict_ms(predictor: Predictor, cohort: Cohort) -> float:
    few = cohort.where(cohort.table.index.to_series() < TIMED_EYES)
    scans = arrange_views(load_scans(few, predictor.spec.preprocessing), few, predictor.spec)
    seconds = []
    for _ in range(TIMED_ROUNDS):
        start = time.perf_counter()
        predict_eyes(predictor, few.table, scans)
        seconds.append(time.perf_counter() - start)
    return round(1000 * min(seconds) / len(few.table), 3)
