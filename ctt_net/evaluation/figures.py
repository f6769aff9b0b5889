"""The report's pictures that show the errors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ctt_net.evaluation.comparison import ComparisonRow, signed_text
from ctt_net.evaluation.eyes import EvaluatedEyes
from ctt_net.evaluation.svg import LINE, SOFT, svg
from ctt_net.outcome import Outcome

MODEL_COLOUR = "#1f5a96"
BASELINE_COLOURS = {"mean": "#b7c0c9", "preop_only": "#d98a29", "covariates": "#3f8f6b"}
OTHER_COLOUR = "#8a6fb0"

# Beyond this many points each drawn as vector, a page becomes slow to open.
MAX_VECTOR_POINTS = 4000


def scatter(eyes: EvaluatedEyes) -> Markup:
    """Prediction against truth, with the line of identity and two lines of acuity around it."""

    def draw(axes: Axes) -> None:
        x, y = eyes.truth, eyes.predicted
        low, high = _span(np.concatenate([x, y]))
        line = np.array([low, high])
        axes.fill_between(line, line - 0.2, line + 0.2, color="#eef2f6", lw=0, zorder=0)
        axes.plot(line, line, color=LINE, lw=1, zorder=1)
        _points(axes, x, y, eyes.on_chart)
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
        axes.set_xlabel("True postoperative VA, logMAR")
        axes.set_ylabel("Predicted, logMAR")

    return svg(draw, "scatter", "Predicted against true postoperative acuity", height=3.9)


def bland_altman(eyes: EvaluatedEyes, regression: dict[str, Any], level_key: str) -> Markup:
    """Error against the mean of prediction and truth, with bias and limits of agreement."""

    def draw(axes: Axes) -> None:
        error = eyes.predicted - eyes.truth
        _points(axes, (eyes.predicted + eyes.truth) / 2, error, eyes.on_chart)
        figures = {
            "bias": regression["bias"],
            "lower limit": regression["loa"]["lower"],
            "upper limit": regression["loa"]["upper"],
        }
        for name, figure in figures.items():
            if figure["value"] is None:
                continue
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
        limit = 1.08 * max(np.abs(error).max(), 0.1)
        axes.set(ylim=(-limit, limit))
        axes.set_xlabel("Mean of prediction and truth, logMAR")
        axes.set_ylabel("Error, logMAR")

    return svg(draw, "bland-altman", "Bland-Altman plot of the errors", height=3.9)


def error_histogram(eyes: EvaluatedEyes, baseline: str | None) -> Markup:
    """Errors of the model, and of the strongest baseline as an outline."""

    def draw(axes: Axes) -> None:
        errors = {"model": eyes.predicted - eyes.truth}
        if baseline is not None:
            errors[baseline] = eyes.predictors[baseline] - eyes.truth
        width = 0.05 if len(eyes.truth) >= 200 else 0.1
        edge = np.ceil(max(np.abs(e).max() for e in errors.values()) / width) * width
        edge = min(max(edge, 0.2), 1.0)
        bins = np.linspace(-edge, edge, round(2 * edge / width) + 1).tolist()
        shown = {name: np.clip(error, -edge, edge) for name, error in errors.items()}
        axes.axvline(0, color=LINE, lw=1)
        axes.hist(shown["model"], bins=bins, color=MODEL_COLOUR, alpha=0.8, label="model")
        if baseline is not None:
            axes.hist(
                shown[baseline],
                bins=bins,
                histtype="step",
                color=_colour(baseline),
                lw=1.6,
                label=_plain(baseline),
            )
            _legend_above(axes)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Error, logMAR (beyond the ends: counted at the ends)")
        axes.set_ylabel("Eyes")

    return svg(draw, "histogram", "Histogram of the errors", height=3.2)


def forest(rows: Sequence[ComparisonRow]) -> Markup:
    """Mean absolute error of every predictor with its interval."""

    def draw(axes: Axes) -> None:
        for place, row in enumerate(reversed(rows)):
            colour = _colour(row.name)
            if row.lo is not None and row.hi is not None:
                axes.plot([row.lo, row.hi], [place, place], color=colour, lw=2)
            axes.plot(row.mae, place, "o", color=colour, ms=6)
        axes.set_yticks(range(len(rows)), [row.label for row in reversed(rows)])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set(ylim=(-0.6, len(rows) - 0.4), xlim=(0, None))
        axes.grid(axis="x", color="#eef2f6")
        axes.set_xlabel("Mean absolute error, logMAR")

    return svg(draw, "forest", "Mean absolute error of model and baselines", height=3.2)


def roc(eyes: EvaluatedEyes, outcome: Outcome, areas: dict[str, float | None]) -> Markup | None:
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

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=LINE, lw=1, ls=(0, (2, 3)))
        for name, area in areas.items():
            score = (
                eyes.probabilities[outcome.name] if name == "model" else eyes.margin(name, outcome)
            )
            false_positive, true_positive, _ = roc_curve(label, score[decided])
            axes.plot(
                false_positive,
                true_positive,
                color=_colour(name),
                lw=2.2 if name == "model" else 1.4,
                label=f"{_plain(name)} {'' if area is None else f'{area:.2f}'}",
                zorder=5 if name == "model" else 3,
            )
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        axes.set_xlabel("1 − specificity")
        axes.set_ylabel("Sensitivity")
        axes.legend(loc="lower right", title="AUROC", title_fontsize=8.5)

    return svg(draw, f"roc-{outcome.name}", f"ROC curves for {outcome.name}", height=3.9)


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
        _legend_above(axes)


def _legend_above(axes: Axes) -> None:
    """A legend that hides no eye."""
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderaxespad=0)


def _span(values: NDArray[np.float64]) -> tuple[float, float]:
    """Axis limits a little wider than the values."""
    low, high = float(values.min()), float(values.max())
    room = max(0.05 * (high - low), 0.05)
    return low - room, high + room


def _colour(name: str) -> str:
    return MODEL_COLOUR if name == "model" else BASELINE_COLOURS.get(name, OTHER_COLOUR)


def _plain(name: str) -> str:
    return {"preop_only": "preop VA only", "covariates": "preop VA, covariates"}.get(name, name)
