"""Figures of calibration: acuity and probability by tenths, coverage by band."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ctt_net.metrics.subgroups import suppressed_groups
from ctt_net.outcome import Outcome
from ctt_net.report.drawing import GRID, MODEL_COLOUR, Drawing
from ctt_net.report.svg import SOFT

ACUITY = "acuity"


def acuity_calibration(metrics: Mapping[str, Any], key: str) -> Drawing | None:
    """Mean measured acuity of tenths of rising predicted acuity; None in old metrics."""
    bins = metrics.get("calibration", {}).get(ACUITY, {}).get("bins")
    if not bins:
        return None
    table = _bins(bins, key)
    return Drawing(
        "calibration_acuity",
        "Calibration of the predicted acuity",
        "Eyes in tenths by predicted acuity: mean measured against mean predicted acuity of each, "
        "with confidence interval. On the line, the predictions of such eyes are right on average.",
        lambda axes: _draw(axes, table, "logMAR", None),
        table,
        height=3.9,
    )


def probability_calibration(
    metrics: Mapping[str, Any], outcome: Outcome, key: str
) -> Drawing | None:
    """Share that recovered in tenths of rising probability; None in old metrics."""
    bins = metrics.get("calibration", {}).get(outcome.name, {}).get("bins")
    if not bins:
        return None
    table = _bins(bins, key)
    return Drawing(
        f"calibration_{outcome.name}",
        f"Calibration of the probability: {outcome.in_words()}",
        "Eyes in tenths by probability: share that recovered against the mean probability that the "
        "model gave to them, with confidence interval.",
        lambda axes: _draw(axes, table, "probability", (-0.03, 1.03)),
        table,
        height=3.9,
    )


def coverage_by_band(metrics: Mapping[str, Any], key: str) -> Drawing | None:
    """How many eyes the intervals hold in each band of preoperative acuity; None in old metrics."""
    interval = metrics["interval"]
    by_band = interval.get("by_band", {})
    # Older metrics tell of bands of few eyes, too; they are not to be drawn.
    hidden = suppressed_groups(
        pd.Series({name: band["n_eyes"] for name, band in by_band.items()}, dtype=int)
    )
    bands = {
        name: band
        for name, band in by_band.items()
        if name not in hidden
        and not band.get("suppressed")
        and band["coverage"]["value"] is not None
    }
    if not bands or interval["coverage"]["value"] is None:
        return None
    rows = [
        ("All eyes", metrics["n_eyes"], interval),
        *((n, b["n_eyes"], b) for n, b in bands.items()),
    ]
    table = pd.DataFrame(
        {
            "preop_band": [name for name, _, _ in rows],
            "n_eyes": [n for _, n, _ in rows],
            "coverage": [part["coverage"]["value"] for _, _, part in rows],
            "lower": [part["coverage"][key][0] for _, _, part in rows],
            "upper": [part["coverage"][key][1] for _, _, part in rows],
            "mean_width_logmar": [part["mean_width"]["value"] for _, _, part in rows],
        }
    )

    def draw(axes: Axes) -> None:
        axes.axvline(interval["nominal"], color=SOFT, lw=1.2, ls=(0, (5, 3)))
        row: Any
        for place, row in enumerate(table.iloc[::-1].itertuples()):
            if pd.notna(row.lower):
                axes.plot([row.lower, row.upper], [place, place], color=MODEL_COLOUR, lw=2)
            axes.plot(row.coverage, place, "o", color=MODEL_COLOUR, ms=6)
        labels = [f"{row.preop_band} ({row.n_eyes:,})" for row in table.iloc[::-1].itertuples()]
        axes.set_yticks(range(len(labels)), labels)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        low = float(np.nanmin([*table["lower"].astype(float), *table["coverage"], 0.8]))
        axes.set(ylim=(-0.6, len(labels) - 0.4), xlim=(max(low - 0.03, 0), 1.02))
        axes.grid(axis="x", color=GRID)
        axes.set_xlabel("Share of eyes inside their interval")

    return Drawing(
        "coverage_by_band",
        "Coverage of the prediction intervals by preoperative acuity",
        f"Dashed: the {interval['nominal']:.0%} that is meant. In brackets: eyes. Bands are of the "
        "acuity before surgery, logMAR; those of too few eyes are left out.",
        draw,
        table,
    )


def _bins(bins: list[Mapping[str, Any]], key: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "n_eyes": [one["n_eyes"] for one in bins],
            "mean_predicted": [one["predicted"]["value"] for one in bins],
            "mean_observed": [one["observed"]["value"] for one in bins],
            "lower": [one["observed"][key][0] for one in bins],
            "upper": [one["observed"][key][1] for one in bins],
        }
    ).astype({"lower": float, "upper": float})


def _draw(axes: Axes, table: pd.DataFrame, unit: str, span: tuple[float, float] | None) -> None:
    drawn = table[["mean_predicted", "mean_observed", "lower", "upper"]].to_numpy(float)
    low, high = (np.nanmin(drawn) - 0.05, np.nanmax(drawn) + 0.05) if span is None else span
    axes.plot([low, high], [low, high], color=SOFT, lw=1)
    axes.vlines(table["mean_predicted"], table["lower"], table["upper"], color=MODEL_COLOUR, lw=1.6)
    axes.plot(table["mean_predicted"], table["mean_observed"], "o", color=MODEL_COLOUR, ms=5)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    measured = "Measured" if unit == "logMAR" else "Observed"
    axes.set_xlabel(f"Predicted {unit}, mean")
    axes.set_ylabel(f"{measured} {'share' if span else unit}, mean")
