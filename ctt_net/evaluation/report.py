"""`report.html`: what the figures mean, for someone who will not open `metrics.json`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ctt_net.evaluation import figures
from ctt_net.evaluation.bootstrap import interval_key
from ctt_net.evaluation.comparison import (
    comparison_table,
    strongest_baseline,
    verdict,
)
from ctt_net.evaluation.eyes import EvaluatedEyes, evaluated_eyes
from ctt_net.evaluation.page import render
from ctt_net.evaluation.report_tables import (
    SHORT_LABELS,
    comparison_cells,
    figure_cell,
    recovery_cells,
    regression_cells,
)
from ctt_net.outcome import Outcome
from ctt_net.whole_file import write_whole


def write_report(
    metrics: Mapping[str, Any],
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    outcomes: Sequence[Outcome],
    out_path: str | Path,
    *,
    title: str,
    cohort: Mapping[str, Any],
    model: Mapping[str, Any],
    synthetic: bool,
) -> None:
    """Write the report: one file that needs nothing else, the same bytes for the same figures.

    Args:
        metrics: What `evaluate` returned for the same predictions, baselines and outcomes.
        predictions: Table of door 3.
        baselines: logMAR, indexed by eye.
        outcomes: Recovery questions.
        out_path: HTML file to write.
        title: Heading.
        cohort: Facts on the eyes, name to value.
        model: Facts on the model, name to value.
        synthetic: Simulated eyes; the page then says so at the top.
    """
    eyes = evaluated_eyes(predictions, baselines, None, outcomes)
    key = interval_key(metrics["settings"]["level"])
    page = render(
        "report.html",
        title=title,
        synthetic=synthetic,
        n_eyes=_count(metrics["n_eyes"], "eye"),
        n_patients=_count(metrics["n_patients"], "patient"),
        verdict=verdict(metrics),
        level=f"{metrics['settings']['level']:.0%}",
        bootstrap=f"{metrics['settings']['bootstrap']:,}",
        probability_cut=_cut_sentence(metrics, outcomes),
        comparison=comparison_cells(metrics),
        has_oracle="oracle" in metrics,
        warnings=metrics["warnings"],
        acuity_figures=_acuity_figures(eyes, metrics, key),
        regression=regression_cells(metrics, key),
        off_chart=_off_chart_sentence(metrics, key),
        recovery=recovery_cells(metrics, outcomes, key),
        recovery_figures=_recovery_figures(eyes, metrics),
        interval=_interval_sentence(metrics, key),
        facts_by_heading={"Cohort": dict(cohort), "Model": dict(model)},
    )
    write_whole(Path(out_path), page)


def _acuity_figures(
    eyes: EvaluatedEyes, metrics: Mapping[str, Any], key: str
) -> list[dict[str, Any]]:
    strongest = strongest_baseline(metrics)
    name = strongest.name if strongest else None
    outline = f" Outline: {SHORT_LABELS.get(name, name)}, the strongest baseline." if name else ""
    return [
        {
            "svg": figures.scatter(eyes),
            "caption": "Each dot is an eye; on the line, prediction equals truth. Shaded: within "
            "0.2 logMAR. Down and left is better sight.",
        },
        {
            "svg": figures.bland_altman(eyes, metrics["regression"], key),
            "caption": "Bland-Altman: bias (solid) and 95% limits of agreement (dashed). Above "
            "zero, the eye sees better than predicted.",
        },
        {
            "svg": figures.error_histogram(eyes, name),
            "caption": f"Errors of all eyes.{outline}",
        },
        {
            "svg": figures.forest(comparison_table(metrics)),
            "caption": "The table above as a picture; the bars are the confidence intervals. "
            "Whether two differ is told by the paired difference, not by overlap.",
        },
    ]


def _recovery_figures(eyes: EvaluatedEyes, metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    drawn = []
    for outcome in eyes.outcomes:
        areas = {"model": metrics["recovery"][outcome.name]["auroc"]["value"]}
        for name, values in metrics["baselines"].items():
            areas[name] = values["recovery"][outcome.name]["auroc"]["value"]
        svg = figures.roc(eyes, outcome, areas)
        if svg is not None:
            words = outcome.in_words()
            drawn.append({"svg": svg, "caption": f"{words[0].upper()}{words[1:]}."})
    return drawn


def _interval_sentence(metrics: Mapping[str, Any], key: str) -> str:
    interval = metrics["interval"]
    if interval["coverage"]["value"] is None:
        return ""
    coverage = figure_cell(interval["coverage"], key, share=True)
    return (
        f"The intervals are meant to hold {interval['nominal']:.0%} of the eyes; they hold "
        f"{coverage['value']} ({coverage['ci']}). Their mean width is "
        f"{interval['mean_width']['value']:.2f} logMAR. {interval['guarantee']}"
    ).strip()


def _cut_sentence(metrics: Mapping[str, Any], outcomes: Sequence[Outcome]) -> str:
    """From which probability on an eye is called recovered, per outcome or per outcome and fold."""
    parts = []
    for outcome in outcomes:
        cut = metrics["settings"]["probability_cut"][outcome.name]
        cuts = sorted(cut.values()) if isinstance(cut, Mapping) else [cut]
        span = f"{cuts[0]:.2f}"
        if f"{cuts[-1]:.2f}" != span:
            span += f" to {cuts[-1]:.2f}, by fold"
        parts.append(f"{span} ({outcome.in_words()})")
    return " and ".join(parts)


def _off_chart_sentence(metrics: Mapping[str, Any], key: str) -> str:
    n = metrics["n_off_chart"]
    if not (n["preop"] or n["postop"]):
        return "No eye was off the chart (counting fingers or less)."
    figure = metrics["regression_on_chart"]["mae"]
    without = ""
    if figure["value"] is not None:
        cell = figure_cell(figure, key, share=False)
        without = f" Without them the mean absolute error is {cell['value']} ({cell['ci']})."
    return (
        f"Off the chart (counting fingers or less): {_count(n['preop'], 'eye')} before and "
        f"{_count(n['postop'], 'eye')} after surgery.{without}"
    )


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
