"""The table as pictures: errors with their intervals, and learning curves."""

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes

from benchmarks.comparison.plan import PERFECT, Plan
from ctt_net.report.drawing import SOFT, svg

COLOUR, REFERENCE_COLOUR = "#3f8f6b", "#1f5a96"
CURVE_COLOURS = ("#1f5a96", "#d98a29", "#3f8f6b", "#8a6fb0", "#b0503c", "#5b6875", "#7a9a2e")


def forest(part: pd.DataFrame, name: str) -> Markup:
    """MAE of every row with its interval; the reference is another colour."""

    def draw(axes: Axes) -> None:
        rows = part.iloc[::-1]
        for place, row in enumerate(rows.to_dict("records")):
            colour = REFERENCE_COLOUR if row["row"] == row["reference"] else COLOUR
            axes.plot([row["mae_lo"], row["mae_hi"]], [place, place], color=colour, lw=2)
            axes.plot(row["mae"], place, "o", color=colour, ms=5)
        axes.set_yticks(range(len(rows)), list(rows["row"]))
        axes.tick_params(axis="y", length=0)
        axes.set(ylim=(-0.6, len(rows) - 0.4), xlim=(0, None))
        axes.grid(axis="x", color="#eef2f6")
        axes.set_xlabel("Mean absolute error, logMAR")

    description = "Mean absolute error of every row with its confidence interval"
    return svg(draw, name, description, height=1.0 + 0.24 * len(part))


def learning_curve(part: pd.DataFrame, plan: Plan, name: str) -> Markup | None:
    """MAE against training eyes; None unless some row was given different numbers of them."""
    base = {row.name: row.base for row in plan.rows}
    curves = part[part["training_eyes"].notna()]
    by_base = curves.assign(base=curves["row"].map(base)).groupby("base", sort=False)
    drawn = [(who, curve.sort_values("training_eyes")) for who, curve in by_base if len(curve) > 1]
    if not drawn:
        return None
    perfect = {row.name for row in plan.rows if row.kind in PERFECT}
    floors = part[part["row"].isin(perfect)]

    def draw(axes: Axes) -> None:
        for number, (who, curve) in enumerate(drawn):
            colour = CURVE_COLOURS[number % len(CURVE_COLOURS)]
            eyes = curve["training_eyes"].to_numpy(float)
            axes.plot(eyes, curve["mae"], "o-", color=colour, lw=1.6, ms=4, label=str(who))
            low, high = curve["mae_lo"].to_numpy(float), curve["mae_hi"].to_numpy(float)
            axes.fill_between(eyes, low, high, color=colour, alpha=0.12, lw=0)
        for mae in floors["mae"]:
            axes.axhline(mae, color=SOFT, lw=1, ls=(0, (5, 3)))
        ticks = np.unique(np.concatenate([curve["training_eyes"] for _, curve in drawn]).round())
        axes.set_xscale("log")
        axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks], minor=False)
        axes.set_xticks([], minor=True)
        axes.set_ylim(0, None)
        axes.set_xlabel("Training eyes of a fold")
        axes.set_ylabel("Mean absolute error, logMAR")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderaxespad=0)

    return svg(draw, name, "Mean absolute error against training eyes", height=3.6)
