"""Figures of the errors: scatter, Bland-Altman, calibration, histogram, comparators."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ctt_net.metrics.eyes import EvaluatedEyes
from ctt_net.report.comparison import SHORT_LABELS, ComparisonRow, signed_text
from ctt_net.report.drawing import (
    COLOURS,
    DASHED,
    FURTHER_COLOURS,
    LINE,
    MODEL_COLOUR,
    SOFT,
    Drawing,
    ForestRow,
    draw_forest,
    interval_columns,
    legend_above,
)

# More points than this are drawn as pixels, or the page becomes slow to open.
MAX_VECTOR_POINTS = 4000

# Exact logMAR of the fractions that charts print.
SNELLEN = {0.0: "20/20", 0.30103: "20/40", 0.69897: "20/100", 1.0: "20/200", 1.30103: "20/400"}


def scatter(eyes: EvaluatedEyes) -> Drawing:
    """Prediction against measurement, with the line of identity and two lines of acuity around."""
    x, y = eyes.truth, eyes.predicted

    def draw(axes: Axes) -> None:
        both = np.concatenate([x, y])
        margin = max(0.05 * float(np.ptp(both)), 0.05)
        low, high = both.min() - margin, both.max() + margin
        line = np.array([low, high])
        for reach, shade, words in (
            (0.2, "#eef2f6", "within 2 lines"),
            (0.1, "#d5e0ec", "within 1 line"),
        ):
            axes.fill_between(
                line, line - reach, line + reach, color=shade, lw=0, zorder=0, label=words
            )
        axes.plot(line, line, color=SOFT, lw=1, zorder=1)
        _points(axes, x, y, eyes.on_chart)
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel("Measured after surgery, logMAR")
        axes.set_ylabel("Predicted, logMAR")
        charts = axes.secondary_yaxis("right")
        shown = [value for value in SNELLEN if low < value < high]
        charts.set_yticks(shown, [SNELLEN[value] for value in shown])
        charts.spines["right"].set_visible(False)
        charts.tick_params(length=0, labelsize=8)
        legend_above(axes)

    return Drawing(
        "scatter",
        "Predicted against measured acuity after surgery",
        "Each dot is an eye; on the diagonal, prediction and measurement agree. Shaded: within one "
        "and two lines (0.1 and 0.2 logMAR). Better acuity is down and left; right axis: Snellen.",
        draw,
        pd.DataFrame({"measured_logmar": x, "predicted_logmar": y, "on_chart": eyes.on_chart}),
        height=3.9,
    )


def bland_altman(eyes: EvaluatedEyes, regression: Mapping[str, Any], key: str) -> Drawing:
    """Error against the mean of prediction and measurement, with bias, limits and slope."""
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
            dash = "-" if name == "bias" else DASHED
            axes.axhline(figure["value"], color=SOFT, lw=1, ls=dash, zorder=3)
            if figure[key][0] is not None:
                axes.axhspan(*figure[key], color="#e3e9ef", lw=0, zorder=0)
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
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel("Mean of prediction and measurement, logMAR")
        axes.set_ylabel("Error, logMAR")
        if sloped is not None or not eyes.on_chart.all():
            legend_above(axes)

    parts = [pd.DataFrame({"part": "eye", "mean_logmar": middle, "error_logmar": error})]
    parts += [
        pd.DataFrame({"part": [name], "error_logmar": [figure["value"]]})
        for name, figure in lines.items()
    ]
    if sloped is not None:
        parts.append(pd.DataFrame({"part": "slope", "mean_logmar": ends, "error_logmar": sloped}))
    words = (
        " The slope shows whether errors change along the scale; predictions vary less than "
        "measurements, which alone tilts it downwards."
    )
    return Drawing(
        "bland_altman",
        "Bland-Altman plot",
        "Error (prediction minus measurement) against their mean. Solid: bias; dashed: 95% limits "
        "of agreement; shaded: their confidence intervals. Above zero, the eye sees better than "
        f"predicted.{words if slope else ''}",
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
    label = SHORT_LABELS.get(baseline or "", baseline)

    def draw(axes: Axes) -> None:
        bins = edges.tolist()
        axes.axvline(0, color=LINE, lw=1)
        axes.hist(shown["model"], bins=bins, color=MODEL_COLOUR, alpha=0.8, label="Model")
        if baseline is not None:
            colour = COLOURS.get(baseline, FURTHER_COLOURS[3])
            outline: dict[str, Any] = {
                "histtype": "step",
                "color": colour,
                "lw": 1.6,
                "label": label,
            }
            axes.hist(shown[baseline], bins=bins, **outline)
            legend_above(axes)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Error, logMAR")
        axes.set_ylabel("Eyes")

    counts = {
        f"n_{'model' if name == 'model' else 'baseline'}": np.histogram(values, edges)[0]
        for name, values in shown.items()
    }
    outline = f" Outline: {label}, the best baseline." if baseline else ""
    return Drawing(
        "errors",
        "Histogram of the errors",
        "One letter is 0.02 logMAR, one line 0.1; errors beyond the axis are counted in the last "
        f"bins.{outline}",
        draw,
        pd.DataFrame({"from_logmar": edges[:-1], "to_logmar": edges[1:], **counts}),
    )


def acuity_calibration(metrics: Mapping[str, Any], key: str) -> Drawing | None:
    """Mean measured acuity by tenths of predicted acuity; None in old metrics."""
    return calibration_plot(
        metrics,
        "acuity",
        key,
        "Calibration of the predicted acuity",
        "Eyes in tenths by predicted acuity: mean measured against mean predicted acuity, with "
        "confidence interval. On the diagonal, predictions are right on average.",
        ("Mean predicted, logMAR", "Mean measured, logMAR"),
    )


def calibration_plot(
    metrics: Mapping[str, Any],
    name: str,
    key: str,
    title: str,
    caption: str,
    labels: tuple[str, str],
    span: tuple[float, float] | None = None,
) -> Drawing | None:
    """Observed against predicted, in the bins that metrics.json holds; None without any.

    Args:
        metrics: As `evaluate` builds them.
        name: Key of `calibration`.
        key: Of the intervals.
        title: Of the figure.
        caption: How to read it.
        labels: Of the axes.
        span: Limits of both axes; None = those of the values.
    """
    bins = metrics.get("calibration", {}).get(name, {}).get("bins")
    if not bins:
        return None
    table = pd.DataFrame(
        {
            "n_eyes": [one["n_eyes"] for one in bins],
            "mean_predicted": [one["predicted"]["value"] for one in bins],
            **interval_columns((one["observed"] for one in bins), key, "mean_observed"),
        }
    ).astype({"lower": float, "upper": float})
    shown = table.drop(columns="n_eyes").to_numpy(float)
    low, high = span or (float(np.nanmin(shown)) - 0.05, float(np.nanmax(shown)) + 0.05)

    def draw(axes: Axes) -> None:
        axes.plot([low, high], [low, high], color=SOFT, lw=1)
        x = table["mean_predicted"]
        axes.vlines(x, table["lower"], table["upper"], color=MODEL_COLOUR, lw=1.6)
        axes.plot(x, table["mean_observed"], "o", color=MODEL_COLOUR, ms=5)
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])

    return Drawing(f"calibration_{name}", title, caption, draw, table, height=3.5)


def error_forest(rows: Sequence[ComparisonRow]) -> Drawing:
    """Mean absolute error of every predictor with its interval."""

    def draw(axes: Axes) -> None:
        lines = [
            ForestRow(
                *(row.short_label, row.mae, row.lo, row.hi),
                COLOURS.get(row.name, FURTHER_COLOURS[3]),
            )
            for row in rows
        ]
        draw_forest(axes, lines, "Mean absolute error, logMAR")
        axes.set_xlim(0, None)

    return Drawing(
        "baselines",
        "Mean absolute error of model and comparators",
        "Bars: confidence intervals. To compare two predictors, use the paired difference in the "
        "table, not the overlap of the bars.",
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


def _points(
    axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], on_chart: NDArray[np.bool_]
) -> None:
    """Eyes as dots; hollow where an acuity was off the chart."""
    flat = len(x) > MAX_VECTOR_POINTS
    shared: dict[str, Any] = {"zorder": 2, "rasterized": flat}
    size, faint = (14, 0.6) if len(x) < 100 else (8, float(np.clip(10 / np.sqrt(len(x)), 0.1, 0.6)))
    axes.scatter(x[on_chart], y[on_chart], s=size, color=MODEL_COLOUR, alpha=faint, lw=0, **shared)
    if not on_chart.all():
        ring: dict[str, Any] = {"facecolors": "none", "edgecolors": MODEL_COLOUR, "lw": 0.9}
        label = "counting fingers or less"
        axes.scatter(x[~on_chart], y[~on_chart], s=size + 4, label=label, **ring, **shared)
