"""Figures of the recovery probabilities: ROC curves, calibration, decision curve."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ctt_net.metrics.eyes import EvaluatedEyes
from ctt_net.outcome import Outcome
from ctt_net.report.comparison import SHORT_LABELS
from ctt_net.report.drawing import (
    COLOURS,
    DOTTED,
    FURTHER_COLOURS,
    LINE,
    Drawing,
    interval_columns,
    legend_above,
)
from ctt_net.report.error_figures import calibration_plot

# "Treat all" falls far below zero, which would squeeze the other curves into a line.
LOWEST_BENEFIT = -0.05

LABELS = {**SHORT_LABELS, "treat_all": "Treat all", "treat_none": "Treat none"}
DASHES: dict[str, Any] = {
    "mean": DOTTED,
    "median": (0, (1, 3)),
    "preop_only": (0, (4, 2)),
    "covariates": (0, (6, 1.5, 1.5, 1.5)),
    "boosting": (0, (2, 1)),
    "svm": (0, (8, 2)),
    "stack": (0, (5, 1, 1, 1)),
    "svm_measures": (0, (8, 2, 2, 2)),
    "treat_none": (0, (1, 3)),
}


def roc(eyes: EvaluatedEyes, outcome: Outcome, metrics: Mapping[str, Any]) -> Drawing | None:
    """ROC curves of model and baselines for one outcome; None if only one class occurs."""
    decided = eyes.decided(outcome)
    label = eyes.labels[outcome.name][decided]
    if len(np.unique(label)) < 2:
        return None
    # Here and not above: half of the start-up of a prediction, whose page has no such curve.
    from sklearn.metrics import roc_curve

    areas = {"model": metrics["recovery"][outcome.name]["auroc"]["value"]}
    for name, values in metrics["baselines"].items():
        if name in eyes.predictors:
            areas[name] = values["recovery"][outcome.name]["auroc"]["value"]
    curves = {}
    for name in areas:
        score = eyes.probabilities[outcome.name] if name == "model" else eyes.margin(name, outcome)
        curves[name] = roc_curve(label, score[decided])[:2]

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=LINE, lw=1, ls=(0, (2, 3)))
        for name, (x, y) in curves.items():
            area = areas[name]
            words = f"{LABELS.get(name, name)} {'' if area is None else f'{area:.2f}'}"
            axes.plot(x, y, label=words, **_line(name))
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        axes.set_xlabel("1 − specificity")
        axes.set_ylabel("Sensitivity")
        axes.legend(loc="lower right", title="AUROC", title_fontsize=8)

    parts = [
        pd.DataFrame({"predictor": name, "one_minus_specificity": x, "sensitivity": y})
        for name, (x, y) in curves.items()
    ]
    return Drawing(
        f"roc_{outcome.name}",
        f"ROC curves: {outcome.in_words()}",
        "Sensitivity and specificity for recovery at every threshold on the probability.",
        draw,
        pd.concat(parts, ignore_index=True),
        height=3.7,
    )


def probability_calibration(
    metrics: Mapping[str, Any], outcome: Outcome, key: str
) -> Drawing | None:
    """Share that recovered by tenths of predicted probability; None in old metrics."""
    return calibration_plot(
        metrics,
        outcome.name,
        key,
        f"Calibration of the probability: {outcome.in_words()}",
        "Eyes in tenths by predicted probability: share that recovered against mean predicted "
        "probability, with confidence interval.",
        ("Mean predicted probability", "Observed share"),
        (-0.03, 1.03),
    )


def decision(metrics: Mapping[str, Any], key: str) -> Drawing | None:
    """Net benefit of acting on the predicted risk; None where metrics hold no decision curve."""
    part = metrics.get("decision") or {}
    curve = part.get("curve")
    if not curve:
        return None
    names = [name for name in curve[0] if name not in ("threshold", "model_gain")]
    names.sort(key=["model", "treat_all", "treat_none", *names].index)
    x = np.array([point["threshold"] for point in curve])
    y = {name: np.array([point[name]["value"] for point in curve], float) for name in names}
    model = interval_columns((point["model"] for point in curve), key, "value")
    low, high = (np.array(model[end], float) for end in ("lower", "upper"))

    def draw(axes: Axes) -> None:
        axes.fill_between(x, low, high, color=COLOURS["model"], alpha=0.13, lw=0)
        for name in names:
            axes.plot(x, y[name], label=LABELS.get(name, name), **_line(name))
        top = max(0.02, float(np.nanmax(high)), *(float(np.nanmax(one)) for one in y.values()))
        axes.set(xlim=(x.min(), x.max()), ylim=(LOWEST_BENEFIT, 1.05 * top))
        axes.set_xlabel("Threshold probability of a poor outcome")
        axes.set_ylabel("Net benefit per eye")
        legend_above(axes)

    spread = {f"{name}_net_benefit": y[name] for name in names}
    return Drawing(
        "decision_curve",
        "Decision curve: net benefit over thresholds",
        f"The action: {part['action']}. At a given threshold the higher curve is the better "
        "policy; a threshold of 20% weighs one missed eye like four treated unnecessarily. "
        "Shaded: confidence interval of the model. Strongly negative values are cut off.",
        draw,
        pd.DataFrame({"threshold": x, **spread, "model_lower": low, "model_upper": high}),
        height=3.6,
    )


def _line(name: str) -> dict[str, Any]:
    strong = name == "model"
    return {
        "color": COLOURS.get(name, FURTHER_COLOURS[3]),
        "lw": 2.2 if strong else 1.5,
        "ls": DASHES.get(name, "-"),
        "zorder": 5 if strong else 3,
    }
