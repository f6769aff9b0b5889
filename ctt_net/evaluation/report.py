"""`report.html`: what the figures mean, for someone who will not open `metrics.json`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ctt_net.evaluation import figures
from ctt_net.evaluation.bootstrap import interval_key
from ctt_net.evaluation.comparison import (
    comparison_table,
    number_text,
    signed_text,
    span_text,
    strongest_baseline,
    verdict,
)
from ctt_net.evaluation.eyes import EvaluatedEyes, evaluated_eyes
from ctt_net.evaluation.page import render
from ctt_net.outcome import Outcome
from ctt_net.whole_file import write_whole

SHORT_LABELS = {
    "mean": "Mean outcome",
    "preop_only": "Preop VA only",
    "covariates": "Preop VA, covariates",
}

# Label, path in `metrics.json`, share (printed in percent).
REGRESSION_ROWS: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("Mean absolute error", ("mae",), False),
    ("Root mean square error", ("rmse",), False),
    ("Median absolute error", ("median_ae",), False),
    ("Bias (mean error)", ("bias",), False),
    ("Within 0.1 logMAR (one line)", ("within_0.1",), True),
    ("Within 0.2 logMAR", ("within_0.2",), True),
    ("Within 0.3 logMAR", ("within_0.3",), True),
    ("R²", ("r2",), False),
    ("Concordance correlation", ("ccc",), False),
    ("Lower limit of agreement", ("loa", "lower"), False),
    ("Upper limit of agreement", ("loa", "upper"), False),
)
RECOVERY_ROWS: tuple[tuple[str, str, bool], ...] = (
    ("AUROC", "auroc", False),
    ("Area under precision-recall", "auprc", False),
    ("Sensitivity", "sensitivity", True),
    ("Specificity", "specificity", True),
    ("Positive predictive value", "precision", True),
    ("Negative predictive value", "npv", True),
    ("F1", "f1", False),
    ("Brier score (0 = perfect)", "brier", False),
)


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
        probability_cut=metrics["settings"]["probability_cut"],
        comparison=_comparison_cells(metrics),
        has_oracle="oracle" in metrics,
        warnings=metrics["warnings"],
        acuity_figures=_acuity_figures(eyes, metrics, key),
        regression=_regression_cells(metrics, key),
        off_chart=_off_chart_sentence(metrics, key),
        recovery=_recovery_cells(metrics, outcomes, key),
        recovery_figures=_recovery_figures(eyes, metrics),
        interval=_interval_sentence(metrics, key),
        facts_by_heading={"Cohort": dict(cohort), "Model": dict(model)},
    )
    write_whole(Path(out_path), page)


def _comparison_cells(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "label": row.label,
            "strong": row.name == "model",
            "mae": f"{row.mae:.3f}",
            "mae_ci": span_text(row.lo, row.hi),
            "difference": signed_text(row.difference),
            "difference_ci": ""
            if row.difference is None
            else span_text(row.difference_lo, row.difference_hi),
        }
        for row in comparison_table(metrics)
    ]


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


def _regression_cells(metrics: Mapping[str, Any], key: str) -> dict[str, Any]:
    names = list(metrics["baselines"])
    rows = []
    for label, path, share in REGRESSION_ROWS:
        cells = [_cell(_at(metrics["regression"], path), key, share)]
        for name in names:
            cells.append({**_cell(_at(metrics["baselines"][name], path), key, share), "ci": ""})
        rows.append({"label": label, "cells": cells})
    return {"columns": ["Model", *(SHORT_LABELS.get(name, name) for name in names)], "rows": rows}


def _recovery_cells(
    metrics: Mapping[str, Any], outcomes: Sequence[Outcome], key: str
) -> dict[str, Any] | None:
    if not outcomes:
        return None
    parts = [metrics["recovery"][outcome.name] for outcome in outcomes]
    counts = [{"value": f"{part['n_recovered']} of {part['n_eyes']}", "ci": ""} for part in parts]
    rows = [{"label": "Eyes that recovered", "cells": counts}]
    rows += [
        {"label": label, "cells": [_cell(part[name], key, share) for part in parts]}
        for label, name, share in RECOVERY_ROWS
    ]
    for name in metrics["baselines"]:
        areas = [metrics["baselines"][name]["recovery"][o.name]["auroc"] for o in outcomes]
        label = f"AUROC of baseline: {SHORT_LABELS.get(name, name)}"
        rows.append({"label": label, "cells": [_cell(area, key, False) for area in areas]})
    return {"columns": [outcome.in_words() for outcome in outcomes], "rows": rows}


def _interval_sentence(metrics: Mapping[str, Any], key: str) -> str:
    interval = metrics["interval"]
    if interval["coverage"]["value"] is None:
        return ""
    coverage = _cell(interval["coverage"], key, share=True)
    return (
        f"The intervals are meant to hold {interval['nominal']:.0%} of the eyes; they hold "
        f"{coverage['value']} ({coverage['ci']}). Their mean width is "
        f"{interval['mean_width']['value']:.2f} logMAR."
    )


def _off_chart_sentence(metrics: Mapping[str, Any], key: str) -> str:
    n = metrics["n_off_chart"]
    if not (n["preop"] or n["postop"]):
        return "No eye was off the chart (counting fingers or less)."
    figure = metrics["regression_on_chart"]["mae"]
    without = ""
    if figure["value"] is not None:
        cell = _cell(figure, key, share=False)
        without = f" Without them the mean absolute error is {cell['value']} ({cell['ci']})."
    return (
        f"Off the chart (counting fingers or less): {_count(n['preop'], 'eye')} before and "
        f"{_count(n['postop'], 'eye')} after surgery.{without}"
    )


def _cell(figure: Mapping[str, Any], key: str, share: bool) -> dict[str, str]:
    """A figure as text, a dash where undefined."""
    value, (low, high) = figure["value"], figure[key]
    if value is None:
        return {"value": "–", "ci": ""}
    if share:
        ci = "" if low is None else f"{100 * low:.0f} to {100 * high:.0f}%"
        return {"value": f"{100 * value:.0f}%", "ci": ci}
    return {"value": number_text(value), "ci": "" if low is None else span_text(low, high)}


def _at(tree: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    for key in path:
        tree = tree[key]
    return tree


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
