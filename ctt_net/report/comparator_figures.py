"""Figures of the model beside what it has to beat: errors, ROC curves, decision curve."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ctt_net.metrics.eyes import EvaluatedEyes
from ctt_net.outcome import Outcome
from ctt_net.report.comparison import SHORT_LABELS, ComparisonRow
from ctt_net.report.drawing import (
    COLOURS,
    DASHES,
    FURTHER_COLOURS,
    GRID,
    Drawing,
)
from ctt_net.report.svg import LINE

# Below this, treating everybody is so bad that the curves above would be squeezed into a line.
LOWEST_BENEFIT = -0.05

LABELS = {
    **SHORT_LABELS,
    "treat_all": "Refer everybody",
    "treat_none": "Refer nobody",
}


def error_forest(rows: Sequence[ComparisonRow]) -> Drawing:
    """Mean absolute error of every predictor with its interval."""

    def draw(axes: Axes) -> None:
        for place, row in enumerate(reversed(rows)):
            colour = _colour(row.name)
            if row.lo is not None and row.hi is not None:
                axes.plot([row.lo, row.hi], [place, place], color=colour, lw=2)
            axes.plot(row.mae, place, "o", color=colour, ms=6)
        axes.set_yticks(range(len(rows)), [row.short_label for row in reversed(rows)])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set(ylim=(-0.6, len(rows) - 0.4), xlim=(0, None))
        axes.grid(axis="x", color=GRID)
        axes.set_xlabel("Mean absolute error, logMAR")

    return Drawing(
        "baselines",
        "Mean absolute error of model and baselines",
        "The bars are the confidence intervals. Whether two differ is told by the paired "
        "difference in the table, not by overlap.",
        draw,
        pd.DataFrame(
            {
                "predictor": [row.name for row in rows],
                "mae_logmar": [row.mae for row in rows],
                "lower": [row.lo for row in rows],
                "upper": [row.hi for row in rows],
            }
        ),
    )


def roc(eyes: EvaluatedEyes, outcome: Outcome, areas: Mapping[str, float | None]) -> Drawing | None:
    """ROC curves of model and baselines for one outcome; None if only one class is there.

    Args:
        eyes: Evaluated eyes.
        outcome: Which question.
        areas: Name to AUROC, for the legend; the order of drawing.
    """
    decided = eyes.decided(outcome)
    label = eyes.labels[outcome.name][decided]
    if len(np.unique(label)) < 2:
        return None
    # Here and not above: half of the start-up of a prediction, whose page draws no curve.
    from sklearn.metrics import roc_curve

    curves = {}
    for name in areas:
        score = eyes.probabilities[outcome.name] if name == "model" else eyes.margin(name, outcome)
        curves[name] = roc_curve(label, score[decided])[:2]

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=LINE, lw=1, ls=(0, (2, 3)))
        for name, (false_positive, true_positive) in curves.items():
            area = areas[name]
            axes.plot(
                false_positive,
                true_positive,
                label=f"{LABELS.get(name, name)} {'' if area is None else f'{area:.2f}'}",
                **_line(name),
            )
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        axes.set_xlabel("1 − specificity")
        axes.set_ylabel("Sensitivity")
        axes.legend(loc="lower right", title="AUROC", title_fontsize=8.5)

    words = outcome.in_words()
    parts = [
        pd.DataFrame({"predictor": name, "one_minus_specificity": x, "sensitivity": y})
        for name, (x, y) in curves.items()
    ]
    return Drawing(
        f"roc_{outcome.name}",
        f"ROC curves: {words}",
        "Eyes that recovered told from eyes that did not, at every cut of the probability.",
        draw,
        pd.concat(parts, ignore_index=True),
        height=4.1,
    )


def decision(metrics: Mapping[str, Any], key: str) -> Drawing | None:
    """Net benefit of acting on the model's risk; None where there is no such question."""
    part = metrics.get("decision") or {}
    curve = part.get("curve")
    if not curve:
        return None
    names = [name for name in curve[0] if name not in ("threshold", "model_gain")]
    names.sort(key=["model", "treat_all", "treat_none", *names].index)
    x = np.array([point["threshold"] for point in curve])
    y = {name: np.array([point[name]["value"] for point in curve], float) for name in names}

    def draw(axes: Axes) -> None:
        ends = np.array([point["model"][key] for point in curve], float)
        axes.fill_between(x, ends[:, 0], ends[:, 1], color=COLOURS["model"], alpha=0.13, lw=0)
        for name in names:
            axes.plot(x, y[name], label=LABELS.get(name, name), **_line(name))
        top = max(0.02, float(np.nanmax(ends)), *(float(np.nanmax(one)) for one in y.values()))
        axes.set(xlim=(x.min(), x.max()), ylim=(LOWEST_BENEFIT, 1.05 * top))
        axes.set_xlabel("Threshold: risk from which on one acts")
        axes.set_ylabel("Net benefit per eye")
        # Names of baselines are long: three of them side by side are wider than the picture.
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderaxespad=0)

    spread = {f"{name}_net_benefit": y[name] for name in names}
    for end, place in (("lower", 0), ("upper", 1)):
        spread[f"model_{end}"] = np.array([point["model"][key][place] for point in curve], float)
    return Drawing(
        "decision_curve",
        "Decision curve: net benefit over thresholds",
        f"The action: {part['action']}. The higher curve is the better policy at a threshold; a "
        "threshold of 20% says that one missed eye is as bad as four referred in vain. Shaded: "
        "confidence interval of the model. Curves that fall far below zero are cut off.",
        draw,
        pd.DataFrame({"threshold": x, **spread}),
        height=3.6,
    )


def _line(name: str) -> dict[str, Any]:
    strong = name == "model"
    return {
        "color": _colour(name),
        "lw": 2.2 if strong else 1.5,
        "ls": DASHES.get(name, "-"),
        "zorder": 5 if strong else 3,
    }


def _colour(name: str) -> str:
    return COLOURS.get(name, FURTHER_COLOURS[3])
