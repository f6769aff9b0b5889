"""`metrics.json`: which figure comes from which function, on the same eyes and resamples."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.acuity import BANDS, preop_band
from ctt_net.cohort.predictions import FOLD_COLUMN, check_predictions, has_flag
from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write, roll_back_unfinished
from ctt_net.io.read_text import parse_json, read_text
from ctt_net.io.renamed import FLAGS, METRICS_KEYS, current
from ctt_net.metrics import classification, regression
from ctt_net.metrics.agreement import (
    calibration_line,
    ccc,
    difference_slope,
    icc,
    limits_of_agreement,
)
from ctt_net.metrics.bootstrap import Tree, affordable_resamples, bootstrap_draws, with_intervals
from ctt_net.metrics.calibration import calibration_bins, calibration_intercept, calibration_slope
from ctt_net.metrics.decision_curve import (
    LEFT_OUT,
    MODEL,
    action_in_words,
    decision_curve,
    decision_outcome,
    risk_of_acuity,
)
from ctt_net.metrics.eyes import (
    CONSTANT_BASELINES,
    PERFECT,
    STRONGEST,
    SVM,
    SVM_MEASURES,
    EvaluatedEyes,
    evaluated_eyes,
)
from ctt_net.metrics.prediction_intervals import coverage, mean_width
from ctt_net.metrics.selective import selective_figures
from ctt_net.metrics.subgroup_columns import UNKNOWN, prediction_columns
from ctt_net.metrics.subgroups import (
    Groups,
    add_tests,
    members,
    subgroup_figures,
    suppressed_groups,
)
from ctt_net.metrics.weighted import Floats, middle_ranks
from ctt_net.metrics.within_bounds import within_bounds_figures
from ctt_net.outcome import Outcome

METRICS_FILE = "metrics.json"

# Where nothing else was fixed beforehand: a cut chosen on the evaluated eyes would flatter.
PROBABILITY_CUT = 0.5

ProbabilityCuts: TypeAlias = Mapping[str, float | Mapping[int, float]]
"""Outcome name to the probability from which an eye is called recovered, or to that of each fold:
out of fold, the cut of a fold was fixed on the other folds."""

NO_CUTS: ProbabilityCuts = {}


def evaluate(
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    outcomes: Sequence[Outcome],
    *,
    oracle: pd.Series | None = None,
    reader: pd.Series | None = None,
    groups: pd.DataFrame | None = None,
    covariates: Sequence[str] = (),
    bootstrap: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    interval_level: float = 0.9,
    probability_cuts: ProbabilityCuts = NO_CUTS,
) -> dict[str, Any]:
    """Measure a model on eyes whose postoperative acuity is known.

    Args:
        predictions: As in `predictions.csv`.
        baselines: logMAR, indexed by eye, one column per baseline; None if there are none.
        outcomes: Recovery outcomes; the probability of the first may stand in `p_recovery`.
        oracle: True retinal potential, logMAR, indexed by eye: what nobody can predict better.
        reader: Prediction of a perfect reader who does not know what no scan shows, likewise.
        groups: Text per grouping, indexed by eye (`subgroup_columns`); those that follow from
            the predictions alone are added.
        covariates: What the baselines know besides the preoperative acuity, in words.
        bootstrap: Resamples of patients.
        level: Confidence level of every interval.
        seed: Of the resamples.
        interval_level: Nominal coverage of `lower_logmar`..`upper_logmar`.
        probability_cuts: Outcome name to the probability from which an eye is called recovered, or
            to that of each fold; fixed beforehand, 0.5 where none is given.

    Returns:
        Contents of `metrics.json` (docs/reference/metrics.md) without words for the reader:
        every figure as `{"value": x, "ci95": [lo, hi]}`, None where undefined; differences
        are model minus other, so that a negative one favours the model.

    Raises:
        InputError: If the table is broken, no truth is known, or a baseline lacks an eye.
    """
    eyes = evaluated_eyes(predictions, baselines, oracle, outcomes, reader=reader)
    columns = prediction_columns(eyes.table)
    if groups is not None:
        theirs = groups.set_axis(groups.index.map(str)).reindex(eyes.table["eye_id"])
        columns = columns.join(theirs.fillna(UNKNOWN).set_axis(columns.index))
    groups_of_eyes = members(columns)
    bootstrap = affordable_resamples(len(eyes.truth), bootstrap)
    statistic = partial(measure, eyes, groups_of_eyes, probability_cuts)
    draws = bootstrap_draws(statistic, eyes.patients, bootstrap, seed)
    n_patients = len(np.unique(eyes.patients))
    figures = with_intervals(draws, level, n_patients)
    for name in ("slope", "intercept"):
        figures["calibration"]["acuity"][name] = figures["regression"][f"calibration_{name}"]
    add_tests(figures["subgroups"], draws["subgroups"], eyes, groups_of_eyes, level)
    figures["interval"]["nominal"] = interval_level
    censored = within_bounds_figures(
        check_predictions(predictions, "predictions"), bootstrap=bootstrap, level=level, seed=seed
    )
    missing = len(predictions) - len(eyes.table)
    offered = set() if baselines is None else set(map(str, baselines.index))
    return {
        "n_eyes": len(eyes.table),
        "n_patients": n_patients,
        "n_missing_truth": missing - (censored["n_eyes"] if censored else 0),
        "n_missing_prediction": len(offered - set(map(str, predictions["eye_id"]))),
        "n_off_chart": {
            "preop": int(has_flag(eyes.table, "off_chart_preop").sum()),
            "postop": int(has_flag(eyes.table, "off_chart_postop").sum()),
        },
        "settings": {
            "bootstrap": bootstrap,
            "level": level,
            "seed": seed,
            "probability_cut": _cuts_in_json(outcomes, probability_cuts),
            "covariates": list(covariates),
        },
        **figures,
        **({"within_bounds": censored} if censored else {}),
        "selective": selective_figures(eyes, bootstrap=bootstrap, level=level, seed=seed),
    }


def measure(eyes: EvaluatedEyes, groups: Groups, cuts: ProbabilityCuts, weights: Floats) -> Tree:
    """All figures that are resampled, nested as in `metrics.json`.

    Args:
        eyes: Evaluated eyes.
        groups: Theirs.
        cuts: Probability from which an eye is called recovered.
        weights: (resamples, n).
    """
    p, t, chart = eyes.predicted, eyes.truth, eyes.on_chart
    ranks = middle_ranks(t, weights)
    model = regression_figures(p, t, eyes.patients, weights, ranks)
    recovery = {one.name: recovery_figures(eyes, one, cuts, weights) for one in eyes.outcomes}
    baselines = {name: baseline_figures(eyes, name, weights, ranks) for name in eyes.baselines}
    found: Tree = {
        "regression": model,
        "regression_on_chart": regression_figures(
            p[chart], t[chart], eyes.patients[chart], weights[:, chart]
        ),
        "calibration": {
            "acuity": {"bins": calibration_bins(p, t, weights)},
            **{one.name: calibration_figures(eyes, one, weights) for one in eyes.outcomes},
        },
        "interval": {
            "coverage": coverage(eyes.lower, eyes.upper, t, weights),
            "mean_width": mean_width(eyes.lower, eyes.upper, weights),
            "by_band": by_band(eyes, weights),
        },
        "recovery": recovery,
        "decision": decision_figures(eyes, weights),
        "baselines": baselines,
        "versus": {
            name: {
                "mae_difference": model["mae"] - one["mae"],
                "auroc_difference": {
                    outcome: recovery[outcome]["auroc"] - own["auroc"]
                    for outcome, own in one["recovery"].items()
                },
            }
            for name, one in baselines.items()
        },
        "subgroups": subgroup_figures(eyes, groups, weights),
    }
    worst = regression.worst_third(t)
    if worst is not None:
        found["worst_third"] = {
            "bias": regression.bias(p[worst], t[worst], weights[:, worst]),
            "n_eyes": int(worst.sum()),
            "from_logmar": float(t[worst].min()),
        }
    if baselines:
        errors = {name: float(np.abs(one - t).mean()) for name, one in eyes.baselines.items()}
        strongest = min(errors, key=errors.__getitem__)
        gap = found["versus"][strongest]["mae_difference"]
        if {SVM, SVM_MEASURES} <= set(baselines):
            without, added = baselines[SVM]["mae"], baselines[SVM_MEASURES]["mae"]
            found["measures"] = {"mae_difference": added - without}
        found["versus"][STRONGEST] = {"baseline": strongest, "mae_difference": gap}
    for name in PERFECT:
        if name in eyes.predictors:
            perfect = regression_figures(eyes.predictors[name], t, eyes.patients, weights, ranks)
            found[name] = {**perfect, "mae_difference": model["mae"] - perfect["mae"]}
    return found


def regression_figures(
    pred: Floats,
    true: Floats,
    patients: NDArray[np.intp],
    weights: Floats,
    ranks: Floats | None = None,
) -> Tree:
    """Figures of a predicted acuity; `ranks` are those of the truth, where they are known."""
    ranks = middle_ranks(true, weights) if ranks is None else ranks
    slope, intercept = calibration_line(pred, true, weights)
    lower, upper = limits_of_agreement(pred, true, weights, patients)
    return {
        "mae": regression.mae(pred, true, weights),
        "rmse": regression.rmse(pred, true, weights),
        "median_ae": regression.median_ae(pred, true, weights),
        "bias": regression.bias(pred, true, weights),
        "within_0.1": regression.within_logmar(pred, true, 0.1, weights),
        "within_0.2": regression.within_logmar(pred, true, 0.2, weights),
        "within_0.3": regression.within_logmar(pred, true, 0.3, weights),
        "r2": regression.r2(pred, true, weights),
        "ccc": ccc(pred, true, weights),
        "icc": icc(pred, true, weights),
        "spearman": regression.rank_correlation(middle_ranks(pred, weights), ranks, weights),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "loa": {"lower": lower, "upper": upper, "slope": difference_slope(pred, true, weights)},
    }


def recovery_figures(
    eyes: EvaluatedEyes, outcome: Outcome, cuts: ProbabilityCuts, weights: Floats
) -> Tree:
    """Figures of a probability and of the calls made from it; undefined with one class alone."""
    decided = eyes.decided(outcome)
    p, y = eyes.probabilities[outcome.name][decided], eyes.labels[outcome.name][decided]
    w = weights[:, decided]
    called = (p >= _cut_of_eyes(eyes.table, outcome.name, cuts)[decided]).astype(np.float64)
    both = len(np.unique(y)) == 2
    undefined = np.full(len(w), np.nan)
    return {
        "auroc": classification.auroc(p, y, w),
        "auprc": classification.average_precision(p, y, w) if both else undefined,
        "sensitivity": classification.sensitivity(called, y, w) if both else undefined,
        "specificity": classification.specificity(called, y, w) if both else undefined,
        "precision": classification.precision(called, y, w) if both else undefined,
        "npv": classification.npv(called, y, w) if both else undefined,
        "f1": classification.f1(called, y, w) if both else undefined,
        "brier": classification.brier(p, y, w) if both else undefined,
        "n_eyes": int(decided.sum()),
        "n_recovered": int(y.sum()),
    }


def calibration_figures(eyes: EvaluatedEyes, outcome: Outcome, weights: Floats) -> Tree:
    """Calibration of a probability."""
    decided = eyes.decided(outcome)
    p, y = eyes.probabilities[outcome.name][decided], eyes.labels[outcome.name][decided]
    w = weights[:, decided]
    return {
        "slope": calibration_slope(p, y, w),
        "intercept": calibration_intercept(p, y, w),
        "bins": calibration_bins(p, y, w),
    }


def baseline_figures(eyes: EvaluatedEyes, name: str, weights: Floats, ranks: Floats) -> Tree:
    """Figures of a baseline: of its acuity, and how well that discriminates recovery."""
    found = regression_figures(eyes.predictors[name], eyes.truth, eyes.patients, weights, ranks)
    if name in CONSTANT_BASELINES:
        for figure in ("spearman", "calibration_slope", "calibration_intercept"):
            found[figure] = np.full(len(weights), np.nan)
    found["recovery"] = {}
    for outcome in eyes.outcomes:
        decided = eyes.decided(outcome)
        score, y = eyes.margin(name, outcome)[decided], eyes.labels[outcome.name][decided]
        area = classification.auroc(score, y, weights[:, decided])
        found["recovery"][outcome.name] = {"auroc": area}
    return found


def by_band(eyes: EvaluatedEyes, weights: Floats) -> Tree:
    """Coverage and width of the intervals in each band of preoperative acuity that is there."""
    given = np.isfinite(eyes.lower)
    band = preop_band(eyes.preop, has_flag(eyes.table, "off_chart_preop").to_numpy(bool))
    inside = {str(name): given & (band == name) for name in BANDS if (band == name).any()}
    counts = pd.Series({name: int(here.sum()) for name, here in inside.items()}, dtype=int)
    hidden = suppressed_groups(counts[counts > 0])
    return {
        name: {"n_eyes": int(counts[name]), "suppressed": True}
        if name in hidden
        else {
            "coverage": coverage(
                eyes.lower[here], eyes.upper[here], eyes.truth[here], weights[:, here]
            ),
            "mean_width": mean_width(eyes.lower[here], eyes.upper[here], weights[:, here]),
            "n_eyes": int(counts[name]),
            "n_patients": len(np.unique(eyes.patients[here])),
        }
        for name, here in inside.items()
    }


def decision_figures(eyes: EvaluatedEyes, weights: Floats) -> Tree:
    """Decision curve of the model and, out of fold, of the baselines; empty without an outcome."""
    outcome = decision_outcome(eyes.outcomes)
    if outcome is None or not (decided := eyes.decided(outcome)).any():
        return {}
    event = 1 - eyes.labels[outcome.name][decided]
    risks = {MODEL: 1 - eyes.probabilities[outcome.name]}
    fold = eyes.fold
    if fold is not None:
        for name, predicted in eyes.baselines.items():
            risks[name] = risk_of_acuity(predicted, eyes.truth, fold, outcome)
    return {
        "action": action_in_words(outcome),
        "outcome": outcome.name,
        "n_eyes": int(decided.sum()),
        "n_events": int(event.sum()),
        "left_out": {name: LEFT_OUT for name in eyes.baselines if name not in risks},
        "curve": decision_curve(
            {name: risk[decided] for name, risk in risks.items()}, event, weights[:, decided]
        ),
    }


def metrics_text(metrics: dict[str, Any]) -> str:
    """Contents of `metrics.json`; NaN is refused since it is not JSON."""
    return json.dumps(metrics, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def read_metrics(folder: Path) -> dict[str, Any]:
    """The `metrics.json` of a folder.

    Raises:
        InputError: If there is none, or it holds no evaluation.
    """
    roll_back_unfinished(folder)
    path = folder / METRICS_FILE
    text = read_text(path, belongs="give a run folder, or the --out of ctt-net evaluate")
    try:
        metrics = current(parse_json(text), {**METRICS_KEYS, **FLAGS})
        measured = isinstance(metrics["regression"]["mae"]["value"], float)
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path}: damaged ({error!r}); evaluate again") from None
    if not measured:
        raise InputError(f"{path}: its mae is no number; evaluate again")
    return dict(metrics)


def write_metrics(metrics: dict[str, Any], path: str | Path) -> None:
    """Write `metrics.json`, whole or not at all."""
    atomic_write(Path(path), metrics_text(metrics))


def _cut_of_eyes(table: pd.DataFrame, name: str, cuts: ProbabilityCuts) -> Floats:
    """The cut of each eye for one outcome: (n,).

    Raises:
        ValueError: If cuts are given by fold and an eye's fold is none of them.
    """
    cut = cuts.get(name, PROBABILITY_CUT)
    if not isinstance(cut, Mapping):
        return np.full(len(table), cut)
    by_eye = np.asarray(table[FOLD_COLUMN].map(dict(cut)), dtype=np.float64)
    if np.isnan(by_eye).any():
        raise ValueError(f"{name}: an eye lies in a fold without a cut; there are {sorted(cut)}")
    return by_eye


def _cuts_in_json(outcomes: Sequence[Outcome], cuts: ProbabilityCuts) -> dict[str, Any]:
    """The cuts that were used."""
    used = {outcome.name: cuts.get(outcome.name, PROBABILITY_CUT) for outcome in outcomes}
    return {
        name: {str(fold): one for fold, one in cut.items()} if isinstance(cut, Mapping) else cut
        for name, cut in used.items()
    }
