"""Figures of what it is worth to answer only where the model is sure, and of groups of eyes."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from ctt_net.report.comparison import span_text
from ctt_net.report.drawing import COLOURS, GRID, MODEL_COLOUR, Drawing
from ctt_net.report.subgroup_tables import heading, told_groups
from ctt_net.report.svg import SOFT


def risk_coverage(metrics: Mapping[str, Any], key: str) -> Drawing | None:
    """Error of the most confident eyes, over the share of eyes kept; None in old metrics."""
    points = metrics.get("selective", {}).get("risk_coverage")
    if not points:
        return None
    table = pd.DataFrame(
        {
            "share_kept": [p["coverage"] for p in points],
            "widest_interval_logmar": [p["max_width_logmar"] for p in points],
            "mae_logmar": [p["mae"]["value"] for p in points],
            "lower": [p["mae"][key][0] for p in points],
            "upper": [p["mae"][key][1] for p in points],
            "within_0.2": [p["within_0.2"]["value"] for p in points],
            "mae_of_best_order": [p["mae_oracle"] for p in points],
        }
    ).astype(float)

    def draw(axes: Axes) -> None:
        x, every = table["share_kept"], table["mae_logmar"].iloc[-1]
        axes.fill_between(x, table["lower"], table["upper"], color=MODEL_COLOUR, alpha=0.13, lw=0)
        axes.plot(x, table["mae_logmar"], color=MODEL_COLOUR, lw=2.2, label="most confident first")
        axes.axhline(every, color=COLOURS["mean"], lw=1.5, ls=(0, (1, 1.5)), label="any order")
        axes.plot(
            x,
            table["mae_of_best_order"],
            color=COLOURS["covariates"],
            lw=1.5,
            ls=(0, (4, 2)),
            label="smallest error first",
        )
        axes.set(xlim=(0, 1), ylim=(0, None))
        axes.set_xlabel("Share of eyes answered")
        axes.set_ylabel("Mean absolute error of these, logMAR")
        axes.legend(loc="lower right")

    return Drawing(
        "risk_coverage",
        "Risk-coverage curve",
        "If only the eyes with the narrowest intervals are answered, this is their error. A model "
        "whose intervals say nothing about its errors stays on the dotted line; nobody can go "
        "below the dashed one.",
        draw,
        table,
    )


def usable_region(metrics: Mapping[str, Any], key: str) -> Drawing | None:
    """Share of eyes that meets a required hit rate; None in old metrics."""
    points = metrics.get("selective", {}).get("ure_curve", {}).get("hit_rate")
    if not points:
        return None
    table = pd.DataFrame(
        {
            "required_hit_rate": [p["requirement"] for p in points],
            "usable_share": [p["share"]["value"] for p in points],
            "lower": [p["share"][key][0] for p in points],
            "upper": [p["share"][key][1] for p in points],
            "achieved_hit_rate": [p["achieved"] for p in points],
        }
    ).astype(float)

    def draw(axes: Axes) -> None:
        x = table["required_hit_rate"]
        axes.fill_between(x, table["lower"], table["upper"], color=MODEL_COLOUR, alpha=0.13, lw=0)
        axes.plot(x, table["usable_share"], "o-", color=MODEL_COLOUR, lw=2, ms=4)
        axes.axvline(0.9, color=SOFT, lw=1, ls=(0, (5, 3)))
        axes.set(ylim=(-0.03, 1.03))
        axes.set_xlabel("Required share of eyes within two lines")
        axes.set_ylabel("Usable share of eyes")
        axes.grid(axis="y", color=GRID)

    return Drawing(
        "usable_region",
        "Usable region",
        "The share of eyes, most confident first, of which the required share ends within two "
        "lines (0.2 logMAR); chosen on other eyes than those measured. Dashed: the 90% of the "
        "headline figure.",
        draw,
        table,
    )


def subgroup_forest(metrics: Mapping[str, Any], figure: str, key: str) -> Drawing | None:
    """One figure of every group that is told about, with its interval; None where there is none.

    Args:
        metrics: As `evaluate` builds them.
        figure: `mae` or `coverage`.
        key: Of the intervals.
    """
    groups = [g for g in told_groups(metrics) if g["figures"][figure]["value"] is not None]
    if not groups:
        return None
    words, overall = {
        "mae": ("Mean absolute error, logMAR", metrics["regression"]["mae"]["value"]),
        "coverage": (
            "Share of eyes inside their interval",
            metrics["interval"]["coverage"]["value"],
        ),
    }[figure]
    lines: list[Mapping[str, Any] | str] = []
    before = None
    for group in groups:
        if not lines or group["grouping"] != before:
            lines.append(heading(group["grouping"]))
        before = group["grouping"]
        lines.append(group)

    def draw(axes: Axes) -> None:
        axes.axvline(overall, color=SOFT, lw=1.2, ls=(0, (5, 3)))
        labels = []
        for place, line in enumerate(reversed(lines)):
            if isinstance(line, str):
                labels.append(line)
                continue
            labels.append(f"{line['name']} ({line['n_eyes']:,})")
            value, (low, high) = line["figures"][figure]["value"], line["figures"][figure][key]
            real = line["p"][figure] is not None and line["p"][figure] < 0.05
            if low is not None:
                axes.plot([low, high], [place, place], color=MODEL_COLOUR, lw=1.8)
            face = MODEL_COLOUR if real else "white"
            axes.plot(value, place, "o", mfc=face, mec=MODEL_COLOUR, ms=5.5, mew=1.4)
        axes.set_yticks(range(len(lines)), labels, fontsize=8.5)
        for tick, line in zip(axes.get_yticklabels(), reversed(lines), strict=True):
            if isinstance(line, str):
                tick.set_fontweight("bold")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set(ylim=(-0.7, len(lines) - 0.3))
        axes.grid(axis="x", color=GRID)
        axes.set_xlabel(words)

    table = pd.DataFrame(
        {
            "grouping": [g["grouping"] for g in groups],
            "group": [g["name"] for g in groups],
            "n_eyes": [g["n_eyes"] for g in groups],
            figure: [g["figures"][figure]["value"] for g in groups],
            "lower": [g["figures"][figure][key][0] for g in groups],
            "upper": [g["figures"][figure][key][1] for g in groups],
            "p_adjusted": [g["p"][figure] for g in groups],
        }
    )
    return Drawing(
        f"subgroups_{figure}",
        f"{words.split(',')[0]} by group of eyes",
        f"Dashed: all eyes ({span_text(overall, overall).split(' to ')[0]}). In brackets: eyes. "
        "Filled: differs from all other eyes beyond chance (adjusted p below 0.05).",
        draw,
        table,
        height=max(2.4, 0.21 * len(lines) + 0.9),
    )
