"""Figures of intervals and abstention: coverage, risk-coverage, usable region, subgroups."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ctt_net.metrics.subgroups import suppressed_groups
from ctt_net.report.drawing import (
    COLOURS,
    DASHED,
    DOTTED,
    GRID,
    MODEL_COLOUR,
    SOFT,
    Drawing,
    ForestRow,
    draw_forest,
    interval_columns,
)
from ctt_net.report.tables import grouping_label, shown_groups


def coverage_by_band(metrics: Mapping[str, Any], key: str) -> Drawing | None:
    """Coverage of the intervals by band of preoperative acuity; None in old metrics."""
    interval = metrics["interval"]
    by_band = interval.get("by_band", {})
    # Older metrics hold figures of bands of few eyes, too; these are not shown.
    sizes = pd.Series({name: band["n_eyes"] for name, band in by_band.items()}, dtype=int)
    bands = {
        name: band
        for name, band in by_band.items()
        if name not in suppressed_groups(sizes)
        and not band.get("suppressed")
        and band["coverage"]["value"] is not None
    }
    if not bands or interval["coverage"]["value"] is None:
        return None
    parts = [interval, *bands.values()]
    table = pd.DataFrame(
        {
            "preop_band": ["All eyes", *bands],
            "n_eyes": [metrics["n_eyes"], *(band["n_eyes"] for band in bands.values())],
            **interval_columns((part["coverage"] for part in parts), key, "coverage"),
            "mean_width_logmar": [part["mean_width"]["value"] for part in parts],
        }
    )

    def draw(axes: Axes) -> None:
        rows = [
            ForestRow(f"{name} ({n:,})", *values)
            for name, n, *values in table.drop(columns="mean_width_logmar").itertuples(index=False)
        ]
        draw_forest(axes, rows, "Share of eyes inside their interval", interval["nominal"])
        low = float(np.nanmin([*table["lower"].astype(float), *table["coverage"], 0.8]))
        axes.set_xlim(max(low - 0.03, 0), 1.02)

    return Drawing(
        "coverage_by_band",
        "Coverage of the prediction intervals by preoperative acuity",
        f"Dashed: the nominal {interval['nominal']:.0%}. In brackets: eyes. Bands of preoperative "
        "acuity, logMAR; those of fewer than 10 eyes are not shown.",
        draw,
        table,
        height=1.2 + 0.3 * len(table),
    )


def risk_coverage(metrics: Mapping[str, Any], key: str) -> Drawing | None:
    """Error of the eyes with the narrowest intervals, over their share; None in old metrics."""
    points = metrics.get("selective", {}).get("risk_coverage")
    if not points:
        return None
    table = pd.DataFrame(
        {
            "share_kept": [p["coverage"] for p in points],
            "widest_interval_logmar": [p["max_width_logmar"] for p in points],
            **interval_columns((p["mae"] for p in points), key, "mae_logmar"),
            "within_0.2": [p["within_0.2"]["value"] for p in points],
            "mae_of_best_order": [p["mae_oracle"] for p in points],
        }
    ).astype(float)

    def draw(axes: Axes) -> None:
        x, every = table["share_kept"], table["mae_logmar"].iloc[-1]
        axes.fill_between(x, table["lower"], table["upper"], color=MODEL_COLOUR, alpha=0.13, lw=0)
        axes.plot(x, table["mae_logmar"], color=MODEL_COLOUR, lw=2.2, label="narrowest first")
        axes.axhline(every, color=COLOURS["mean"], lw=1.5, ls=DOTTED, label="random order")
        best: dict[str, Any] = {"color": COLOURS["covariates"], "lw": 1.5, "ls": (0, (4, 2))}
        axes.plot(x, table["mae_of_best_order"], label="best possible order", **best)
        axes.set(xlim=(0, 1), ylim=(0, None))
        axes.set_xlabel("Share of eyes kept")
        axes.set_ylabel("MAE of the eyes kept, logMAR")
        axes.legend(loc="lower right")

    return Drawing(
        "risk_coverage",
        "Risk-coverage curve",
        "Error if only the eyes with the narrowest intervals are kept. Intervals whose width says "
        "nothing about the error follow the dotted line; no model can be below the dashed one.",
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
            **interval_columns((p["share"] for p in points), key, "usable_share"),
            "achieved_hit_rate": [p["achieved"] for p in points],
        }
    ).astype(float)

    def draw(axes: Axes) -> None:
        x = table["required_hit_rate"]
        axes.fill_between(x, table["lower"], table["upper"], color=MODEL_COLOUR, alpha=0.13, lw=0)
        axes.plot(x, table["usable_share"], "o-", color=MODEL_COLOUR, lw=2, ms=4)
        axes.axvline(0.9, color=SOFT, lw=1, ls=DASHED)
        axes.set(ylim=(-0.03, 1.03))
        axes.set_xlabel("Required share within two lines")
        axes.set_ylabel("Usable share of eyes")
        axes.grid(axis="y", color=GRID)

    return Drawing(
        "usable_region",
        "Usable region",
        "Share of eyes, narrowest intervals first, of which the required share lies within two "
        "lines (0.2 logMAR); the width limit is chosen on other eyes. Dashed: 90%.",
        draw,
        table,
    )


def subgroup_forest(metrics: Mapping[str, Any], figure: str, key: str) -> Drawing | None:
    """One figure of every group that is shown, with its interval; None without any.

    Args:
        metrics: As `evaluate` builds them.
        figure: `mae` or `coverage`.
        key: Of the intervals.
    """
    groups = [g for g in shown_groups(metrics) if g["figures"][figure]["value"] is not None]
    if not groups:
        return None
    title, axis, part = {
        "mae": ("Mean absolute error", "MAE, logMAR", metrics["regression"]),
        "coverage": ("Coverage of the prediction intervals", "Coverage", metrics["interval"]),
    }[figure]
    overall = part[figure]["value"]
    table = pd.DataFrame(
        {
            "grouping": [g["grouping"] for g in groups],
            "group": [g["name"] for g in groups],
            "n_eyes": [g["n_eyes"] for g in groups],
            **interval_columns((g["figures"][figure] for g in groups), key, figure),
            "p_adjusted": [g["p"][figure] for g in groups],
        }
    )
    rows: list[ForestRow] = []
    for i, group in enumerate(groups):
        if i == 0 or group["grouping"] != groups[i - 1]["grouping"]:
            rows.append(ForestRow(grouping_label(group["grouping"])))
        p, (low, high) = group["p"][figure], group["figures"][figure][key]
        rows.append(
            ForestRow(
                f"{group['name']} ({group['n_eyes']:,})",
                *(group["figures"][figure]["value"], low, high),
                filled=p is not None and p < 0.05,
            )
        )
    return Drawing(
        f"subgroups_{figure}",
        f"{title} by subgroup",
        f"Dashed: all eyes ({overall:.3f}). In brackets: eyes. Filled: differs significantly from "
        "all other eyes (adjusted p below 0.05).",
        lambda axes: draw_forest(axes, rows, axis, overall),
        table,
        height=max(2.2, 0.21 * len(rows) + 0.9),
    )
