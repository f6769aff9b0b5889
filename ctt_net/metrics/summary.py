"""`metrics.json`: the model, the baselines and the oracle on the same eyes and resamples."""

import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from ctt_net.cohort.predictions import has_flag
from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write, roll_back_unfinished
from ctt_net.io.read_text import parse_json, read_text
from ctt_net.io.renamed import FLAGS, METRICS_KEYS, current
from ctt_net.metrics.bootstrap import (
    Draws,
    bootstrap_draws,
    figure,
    ranked_resamples,
)
from ctt_net.metrics.calibration import listed_bins
from ctt_net.metrics.decision_curve import (
    LEFT_OUT,
    action_in_words,
    decision_outcome,
    listed_curve,
)
from ctt_net.metrics.eyes import STRONGEST, EvaluatedEyes, evaluated_eyes
from ctt_net.metrics.interval_coverage import with_counts
from ctt_net.metrics.measured import ACUITY, Measured
from ctt_net.metrics.recovery import NO_CUTS, ProbabilityCuts, plain_cuts
from ctt_net.metrics.regression import worst_third
from ctt_net.metrics.selective import selective_figures
from ctt_net.metrics.subgroup_columns import prediction_columns
from ctt_net.metrics.subgroups import Subgroups
from ctt_net.metrics.warnings import REFUTED, alarms, coverage_finding
from ctt_net.outcome import Outcome

METRICS_FILE = "metrics.json"


def evaluate(
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    outcomes: Sequence[Outcome],
    *,
    oracle: pd.Series | None = None,
    groups: pd.DataFrame | None = None,
    covariates: Sequence[str] = (),
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
        groups: Text per grouping, indexed by eye (`subgroup_columns`); the bands that predictions
            tell by themselves are added.
        covariates: What the baselines know besides the preoperative acuity, in words.
        bootstrap: Resamples of patients.
        level: Confidence level of every interval.
        seed: Of the resamples.
        interval_level: Nominal coverage of `lower_logmar`..`upper_logmar`.
        guarantee: What the intervals promise and to whom, in words.
        probability_cuts: Outcome name to the probability from which an eye is called recovered, or
            to that of each fold; fixed beforehand, 0.5 where none is given.

    Returns:
        Contents of `metrics.json` (docs/metrics.md): every figure as
        `{"value": x, "ci95": [lo, hi]}`, None where undefined; differences are model minus other,
        so that a negative one favours the model.

    Raises:
        InputError: If the table is broken, no truth is known, or a baseline lacks an eye.
    """
    eyes = evaluated_eyes(predictions, baselines, oracle, outcomes)
    own = prediction_columns(eyes.table)
    if groups is not None:
        theirs = groups.set_axis(groups.index.map(str)).reindex(eyes.table["eye_id"])
        own = own.join(theirs.fillna("unknown").set_axis(own.index))
    subgroups = Subgroups(eyes, own)
    measured = Measured(eyes, probability_cuts)
    draws = bootstrap_draws(
        list(eyes.table["patient_id"]),
        bootstrap,
        seed,
        totals=chain(measured.totals(), subgroups.totals()),
        ranked=measured.ranked(),
    )
    draws.update(measured.differences(draws))
    tree = _nested(draws, level, eyes.table["patient_id"].nunique())
    metrics = _counts(eyes, n_missing_truth=len(predictions) - len(eyes.table))
    metrics["settings"] = {
        "bootstrap": bootstrap,
        "bootstrap_ranked": ranked_resamples(len(eyes.table), bootstrap),
        "level": level,
        "seed": seed,
        "probability_cut": plain_cuts(outcomes, probability_cuts),
        "covariates": list(covariates),
    }
    metrics.update(tree)
    metrics["subgroups"] = subgroups.described(tree.get("subgroups", {}), draws, level)
    for group in ("recovery", "baselines", "versus"):
        metrics.setdefault(group, {})
    _describe(metrics, eyes, measured)
    metrics["interval"] |= {"nominal": interval_level, "guarantee": guarantee}
    metrics["interval"]["by_band"] = with_counts(
        metrics["interval"].get("by_band", {}), eyes, level
    )
    if coverage_finding(metrics) == "too narrow":
        metrics["interval"]["guarantee"] = REFUTED
    metrics["selective"] = selective_figures(
        eyes.table, bootstrap=bootstrap, level=level, seed=seed
    )
    offered = set() if baselines is None else set(map(str, baselines.index))
    absent = len(offered - set(map(str, predictions["eye_id"])))
    metrics["warnings"] = alarms(metrics, n_without_prediction=absent)
    return metrics


def metrics_text(metrics: dict[str, Any]) -> str:
    """Contents of `metrics.json`; NaN is refused since it is not JSON."""
    return json.dumps(metrics, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def read_metrics(folder: Path) -> dict[str, Any]:
    """The `metrics.json` of a folder.

    Raises:
        InputError: If there is none, or it tells of no evaluation.
    """
    roll_back_unfinished(folder)
    path = folder / METRICS_FILE
    text = read_text(path, belongs="give a run folder, or the --out of ctt-net evaluate")
    try:
        metrics = current(parse_json(text), {**METRICS_KEYS, **FLAGS})
        told = isinstance(metrics["regression"]["mae"]["value"], float)
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path}: damaged ({error!r}); evaluate again") from None
    if not told:
        raise InputError(f"{path}: its mae is no number; evaluate again")
    return dict(metrics)


def write_metrics(metrics: dict[str, Any], path: str | Path) -> None:
    """Write `metrics.json`, whole or not at all."""
    atomic_write(Path(path), metrics_text(metrics))


def _describe(metrics: dict[str, Any], eyes: EvaluatedEyes, measured: Measured) -> None:
    """Counts, words and lists beside the figures."""
    acuity = metrics["calibration"][ACUITY]
    acuity["bins"] = listed_bins(acuity["bins"], eyes.predicted)
    for key in ("slope", "intercept"):
        acuity[key] = metrics["regression"][f"calibration_{key}"]
    for outcome in eyes.outcomes:
        decided = eyes.decided(outcome)
        recovered = eyes.labels[outcome.name][decided]
        metrics["recovery"][outcome.name]["n_eyes"] = int(decided.sum())
        metrics["recovery"][outcome.name]["n_recovered"] = int(recovered.sum())
        part = metrics["calibration"][outcome.name]
        probability = eyes.probabilities[outcome.name][decided]
        part["bins"] = listed_bins(part.get("bins", {}), probability)
    strongest = measured.strongest()
    if strongest is not None:
        gap = metrics["versus"][strongest]["mae_difference"]
        metrics["versus"][STRONGEST] = {"baseline": strongest, "mae_difference": gap}
    worst = worst_third(eyes.truth)
    if worst is not None:
        cut = float(eyes.truth[worst].min())
        metrics["worst_third"] |= {"n_eyes": int(worst.sum()), "from_logmar": cut}
    acted_on = decision_outcome(eyes.outcomes)
    if acted_on is None or "decision" not in metrics:
        metrics["decision"] = {}
        return
    decided = eyes.decided(acted_on)
    metrics["decision"] = {
        "action": action_in_words(acted_on),
        "outcome": acted_on.name,
        "n_eyes": int(decided.sum()),
        "n_events": int((1 - eyes.labels[acted_on.name][decided]).sum()),
        "left_out": dict.fromkeys(measured.without_risk(), LEFT_OUT),
        "curve": listed_curve(metrics["decision"]["curve"]),
    }


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


def _nested(draws: Draws, level: float, n_patients: int) -> dict[str, Any]:
    """Figures with their intervals, paths turned into nested mappings."""
    tree: dict[str, Any] = {}
    for path, values in draws.items():
        branch = tree
        for key in path[:-1]:
            branch = branch.setdefault(key, {})
        branch[path[-1]] = figure(path, values, level, n_patients)
    return tree
