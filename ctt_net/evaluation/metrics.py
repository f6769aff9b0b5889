"""`metrics.json`: the model, the baselines and the oracle on the same eyes and resamples."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.evaluation.alarms import alarms
from ctt_net.evaluation.bootstrap import Weights, with_intervals
from ctt_net.evaluation.eyes import ORACLE, EvaluatedEyes, evaluated_eyes
from ctt_net.evaluation.interval import band_counts, interval_figures
from ctt_net.evaluation.predictions import has_flag
from ctt_net.evaluation.recovery import (
    FIGURES,
    NO_CUTS,
    ProbabilityCuts,
    auroc,
    cut_of_eyes,
    plain_cuts,
    recovery_figures,
)
from ctt_net.evaluation.regression import regression_figures
from ctt_net.outcome import Outcome
from ctt_net.whole_file import write_whole

FigurePath = tuple[str, ...]
Draws = dict[FigurePath, NDArray[np.float64]]


def evaluate(
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    outcomes: Sequence[Outcome],
    *,
    oracle: pd.Series | None = None,
    bootstrap: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    interval_level: float = 0.9,
    guarantee: str = "",
    probability_cuts: ProbabilityCuts = NO_CUTS,
) -> dict[str, Any]:
    """Measure a model on eyes whose postoperative acuity is known.

    Args:
        predictions: Table of door 3.
        baselines: logMAR, indexed by eye, one column per baseline; None if there are none.
        outcomes: Recovery questions; the probability of the first may stand in `p_recovery`.
        oracle: True retinal potential, logMAR, indexed by eye: the prediction of a perfect reader.
        bootstrap: Resamples of patients.
        level: Confidence level of every interval.
        seed: Of the resamples.
        interval_level: Nominal coverage of `lower_logmar`..`upper_logmar`.
        guarantee: What the intervals promise and to whom, in words.
        probability_cuts: Outcome name to the probability from which an eye is called recovered, or
            to that of each fold; fixed beforehand, 0.5 where none is given.

    Returns:
        Contents of `metrics.json`: every figure as `{"value": x, "ci95": [lo, hi]}`, None where
        undefined; differences are model minus other, so that a negative one favours the model.

    Raises:
        InputError: If the table is broken, no truth is known, or a baseline lacks an eye.
    """
    eyes = evaluated_eyes(predictions, baselines, oracle, outcomes)
    flat = with_intervals(
        lambda weights: _draw(eyes, weights, probability_cuts),
        list(eyes.table["patient_id"]),
        bootstrap,
        level,
        seed,
    )
    metrics = _counts(eyes, n_missing_truth=len(predictions) - len(eyes.table))
    metrics["settings"] = {
        "bootstrap": bootstrap,
        "level": level,
        "seed": seed,
        "probability_cut": plain_cuts(outcomes, probability_cuts),
    }
    metrics.update(_nested(flat))
    for group in ("recovery", "baselines", "versus"):
        metrics.setdefault(group, {})
    for outcome in outcomes:
        decided = eyes.decided(outcome)
        recovered = eyes.labels[outcome.name][decided]
        metrics["recovery"][outcome.name]["n_eyes"] = int(decided.sum())
        metrics["recovery"][outcome.name]["n_recovered"] = int(recovered.sum())
    metrics["interval"] |= {"nominal": interval_level, "guarantee": guarantee}
    for name, counts in band_counts(eyes).items():
        metrics["interval"]["by_band"][name] |= counts
    offered = set() if baselines is None else set(map(str, baselines.index))
    absent = len(offered - set(map(str, predictions["eye_id"])))
    metrics["warnings"] = alarms(metrics, n_without_prediction=absent)
    return metrics


def write_metrics(metrics: dict[str, Any], path: str | Path) -> None:
    """Write `metrics.json`, whole or not at all; NaN is refused since it is not JSON."""
    text = json.dumps(metrics, indent=2, allow_nan=False, ensure_ascii=False)
    write_whole(Path(path), text + "\n")


def _draw(eyes: EvaluatedEyes, weights: Weights, cuts: ProbabilityCuts) -> Draws:
    """Every figure of `metrics.json` for each row of weights."""
    draws: Draws = {}
    model = regression_figures(eyes.predicted, eyes.truth, weights)
    draws.update(_under(("regression",), model))
    chart = eyes.on_chart
    on_chart = regression_figures(eyes.predicted[chart], eyes.truth[chart], weights[:, chart])
    draws.update(_under(("regression_on_chart",), on_chart))
    for outcome in eyes.outcomes:
        decided = eyes.decided(outcome)
        figures = recovery_figures(
            eyes.probabilities[outcome.name][decided],
            eyes.labels[outcome.name][decided],
            weights[:, decided],
            cut_of_eyes(eyes.table, outcome.name, cuts)[decided],
        )
        draws.update(_under(("recovery", outcome.name), figures))
    draws.update(_under(("interval",), interval_figures(eyes, weights)))
    for name, predicted in eyes.predictors.items():
        place = (ORACLE,) if name == ORACLE else ("baselines", name)
        other = regression_figures(predicted, eyes.truth, weights)
        draws.update(_under(place, other))
        beside = (*place, "mae_difference")
        if name != ORACLE:
            beside = ("versus", name, "mae_difference")
        draws[beside] = model[("mae",)] - other[("mae",)]
        if name != ORACLE:
            draws.update(_baseline_recovery(eyes, name, weights, draws))
    return draws


def _baseline_recovery(eyes: EvaluatedEyes, name: str, weights: Weights, draws: Draws) -> Draws:
    """AUROC of a baseline's margin, and the model's minus it, on the same eyes."""
    out: Draws = {}
    for outcome in eyes.outcomes:
        decided = eyes.decided(outcome)
        label = eyes.labels[outcome.name][decided]
        area = np.full(len(weights), np.nan)
        if len(np.unique(label)) == 2:
            area = auroc(eyes.margin(name, outcome)[decided], label, weights[:, decided])
        out[("baselines", name, "recovery", outcome.name, "auroc")] = area
        difference = draws[("recovery", outcome.name, FIGURES[0])] - area
        out[("versus", name, "auroc_difference", outcome.name)] = difference
    return out


def _counts(eyes: EvaluatedEyes, n_missing_truth: int) -> dict[str, Any]:
    """How many eyes and patients, and how many off the chart."""
    return {
        "n_eyes": len(eyes.table),
        "n_patients": int(eyes.table["patient_id"].nunique()),
        "n_missing_truth": n_missing_truth,
        "n_off_chart": {
            "preop": int(has_flag(eyes.table, "off_chart_preop").sum()),
            "postop": int(has_flag(eyes.table, "off_chart_postop").sum()),
        },
    }


def _under(place: FigurePath, draws: Draws) -> Draws:
    return {(*place, *path): values for path, values in draws.items()}


def _nested(flat: dict[FigurePath, dict[str, Any]]) -> dict[str, Any]:
    """Paths to nested mappings."""
    tree: dict[str, Any] = {}
    for path, figure in flat.items():
        branch = tree
        for key in path[:-1]:
            branch = branch.setdefault(key, {})
        branch[path[-1]] = figure
    return tree
