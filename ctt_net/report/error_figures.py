"""Figures of the errors: scatter, Bland-Altman, histogram."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ctt_net.metrics.eyes import EvaluatedEyes
from ctt_net.report.comparison import SHORT_LABELS, signed_text
from ctt_net.report.drawing import COLOURS, FURTHER_COLOURS, MODEL_COLOUR, Drawing
from ctt_net.report.svg import LINE, SOFT

# Beyond this many points each drawn as vector, a page becomes slow to open.
MAX_VECTOR_POINTS = 4000

# For those who think in fractions: the exact logMAR of what a chart prints.
SNELLEN = {0.0: "20/20", 0.30103: "20/40", 0.69897: "20/100", 1.0: "20/200", 1.30103: "20/400"}


def scatter(eyes: EvaluatedEyes) -> Drawing:
    """Prediction against truth, with the line of identity and two lines of acuity around it."""
    x, y = eyes.truth, eyes.predicted

    def draw(axes: Axes) -> None:
        low, high = _span(np.concatenate([x, y]))
        line = np.array([low, high])
        for reach, shade, words in (
            (0.2, "#eef2f6", "within 2 lines (10 letters)"),
            (0.1, "#d5e0ec", "within 1 line (5 letters)"),
        ):
            axes.fill_between(
                line, line - reach, line + reach, color=shade, lw=0, zorder=0, label=words
            )
        axes.plot(line, line, color=SOFT, lw=1, zorder=1)
        _points(axes, x, y, eyes.on_chart)
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
        axes.set_xlabel("Measured acuity after surgery, logMAR")
        axes.set_ylabel("Predicted, logMAR")
        charts = axes.secondary_yaxis("right")
        shown = [value for value in SNELLEN if low < value < high]
        charts.set_yticks(shown, [SNELLEN[value] for value in shown])
        charts.spines["right"].set_visible(False)
        charts.tick_params(length=0, labelsize=8)
        _legend_above(axes)

    return Drawing(
        "scatter",
        "Predicted against measured acuity after surgery",
        "Each dot is an eye; on the line, prediction and measurement agree. Shaded: within one and "
        "two lines of the chart (0.1 and 0.2 logMAR). Down and left is better sight; on the right, "
        "the same in Snellen fractions.",
        draw,
        pd.DataFrame({"measured_logmar": x, "predicted_logmar": y, "on_chart": eyes.on_chart}),
        height=4.4,
    )


def bland_altman(eyes: EvaluatedEyes, regression: Mapping[str, Any], level_key: str) -> Drawing:
    """Error against the mean of prediction and truth, with bias, limits of agreement and slope."""
    error, middle = eyes.predicted - eyes.truth, (eyes.predicted + eyes.truth) / 2
    loa = regression["loa"]
    lines = {"bias": regression["bias"], "lower limit": loa["lower"], "upper limit": loa["upper"]}
    lines = {name: figure for name, figure in lines.items() if figure["value"] is not None}
    slope = loa.get("slope", {"value": None})["value"]
    ends = np.array([middle.min(), middle.max()])
    sloped = None if slope is None else error.mean() + slope * (ends - middle.mean())

    def draw(axes: Axes) -> None:
        _points(axes, middle, error, eyes.on_chart)
        for name, figure in lines.items():
            dash = "-" if name == "bias" else (0, (5, 3))
            axes.axhline(figure["value"], color=SOFT, lw=1, ls=dash, zorder=3)
            if figure[level_key][0] is not None:
                axes.axhspan(*figure[level_key], color="#e3e9ef", lw=0, zorder=0)
            axes.annotate(
                signed_text(figure["value"], digits=2),
                (1.01, figure["value"]),
                xycoords=("axes fraction", "data"),
                va="center",
                color=SOFT,
                fontsize=8.5,
            )
        if sloped is not None:
            axes.plot(ends, sloped, color=COLOURS["preop_only"], lw=1.6, zorder=4, label="slope")
        limit = 1.08 * max(np.abs(error).max(), 0.1)
        axes.set(ylim=(-limit, limit))
        axes.set_xlabel("Mean of prediction and measurement, logMAR")
        axes.set_ylabel("Error, logMAR")
        if sloped is not None or not eyes.on_chart.all():
            _legend_above(axes)

    parts = [pd.DataFrame({"part": "eye", "mean_logmar": middle, "error_logmar": error})]
    parts += [
        pd.DataFrame({"part": [name], "error_logmar": [figure["value"]]})
        for name, figure in lines.items()
    ]
    if sloped is not None:
        parts.append(pd.DataFrame({"part": "slope", "mean_logmar": ends, "error_logmar": sloped}))
    words = (
        " The slope tells whether errors change along the scale; every prediction that is not "
        "perfect is less spread than the truth, which alone tilts it down."
    )
    return Drawing(
        "bland_altman",
        "Bland-Altman: error against the mean of prediction and measurement",
        "Bias (solid) and 95% limits of agreement (dashed), each with its confidence interval "
        f"(shaded). Above zero, the eye sees better than predicted.{words if slope else ''}",
        draw,
        pd.concat(parts, ignore_index=True),
    )


def error_histogram(eyes: EvaluatedEyes, baseline: str | None) -> Drawing:
    """Errors of the model, and of the strongest baseline as an outline."""
    errors = {"model": eyes.predicted - eyes.truth}
    if baseline is not None:
        errors[baseline] = eyes.predictors[baseline] - eyes.truth
    width = 0.05 if len(eyes.truth) >= 200 else 0.1
    edge = np.ceil(max(np.abs(e).max() for e in errors.values()) / width) * width
    edge = min(max(edge, 0.2), 1.0)
    edges = np.linspace(-edge, edge, round(2 * edge / width) + 1)
    shown = {name: np.clip(error, -edge, edge) for name, error in errors.items()}

    def draw(axes: Axes) -> None:
        bins = edges.tolist()
        axes.axvline(0, color=LINE, lw=1)
        axes.hist(shown["model"], bins=bins, color=MODEL_COLOUR, alpha=0.8, label="model")
        if baseline is not None:
            axes.hist(
                shown[baseline],
                bins=bins,
                histtype="step",
                color=COLOURS.get(baseline, FURTHER_COLOURS[3]),
                lw=1.6,
                label=SHORT_LABELS.get(baseline, baseline),
            )
            _legend_above(axes)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Error, logMAR (beyond the ends: counted at the ends)")
        axes.set_ylabel("Eyes")

    outline = (
        f" Outline: {SHORT_LABELS.get(baseline, baseline)}, the strongest baseline."
        if baseline
        else ""
    )
    counts = {
        f"n_{'model' if name == 'model' else 'baseline'}": np.histogram(values, edges)[0]
        for name, values in shown.items()
    }
    return Drawing(
        "errors",
        "Histogram of the errors",
        f"Errors of all eyes; one letter is 0.02 logMAR, one line 0.1.{outline}",
        draw,
        pd.DataFrame({"from_logmar": edges[:-1], "to_logmar": edges[1:], **counts}),
    )


def _points(
    axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], on_chart: NDArray[np.bool_]
) -> None:
    """Eyes as dots; hollow where an acuity was off the chart."""
    faint = float(np.clip(12 / np.sqrt(len(x)), 0.25, 0.7))
    flat = len(x) > MAX_VECTOR_POINTS
    axes.scatter(
        x[on_chart],
        y[on_chart],
        s=14,
        color=MODEL_COLOUR,
        alpha=faint,
        lw=0,
        zorder=2,
        rasterized=flat,
    )
    if not on_chart.all():
        off = ~on_chart
        axes.scatter(
            x[off],
            y[off],
            s=18,
            facecolors="none",
            edgecolors=MODEL_COLOUR,
            lw=1,
            zorder=2,
            label="counting fingers or less",
            rasterized=flat,
        )


def _legend_above(axes: Axes) -> None:
    """A legend that hides no eye."""
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderaxespad=0)


def _span(values: NDArray[np.float64]) -> tuple[float, float]:
    """Axis limits a little wider than the values."""
    low, high = float(values.min()), float(values.max())
    room = max(0.05 * (high - low), 0.05)
    return low - room, high + room
