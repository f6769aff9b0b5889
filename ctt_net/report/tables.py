"""The report's tables as text, cell by cell, so that the template only lays them out."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctt_net.metrics.chart_units import Unit, in_chart_units
from ctt_net.outcome import Outcome
from ctt_net.report.comparison import (
    SHORT_LABELS,
    comparison_table,
    number_text,
    signed_text,
    span_text,
)

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
    ("Intraclass correlation, ICC(A,1)", ("icc",), False),
    ("Spearman correlation", ("spearman",), False),
    ("Calibration slope", ("calibration_slope",), False),
    ("Calibration intercept", ("calibration_intercept",), False),
    ("Lower limit of agreement", ("loa", "lower"), False),
    ("Upper limit of agreement", ("loa", "upper"), False),
    ("Slope of error on the mean", ("loa", "slope"), False),
)
# Those that are a distance, for the table in the units of the chart.
DISTANCES = ("mae", "rmse", "median_ae", "bias", "loa lower", "loa upper")
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


def comparison_cells(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Model, baselines and oracle: error and paired difference."""
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


def left_out_names(metrics: Mapping[str, Any]) -> list[str]:
    """Baselines that the decision curve does not show, as the tables call them."""
    left_out = (metrics.get("decision") or {}).get("left_out") or {}
    return [SHORT_LABELS.get(name, name) for name in left_out]


def regression_cells(metrics: Mapping[str, Any], key: str) -> dict[str, Any]:
    """All regression figures, a column each for the model (with intervals) and the baselines."""
    names = list(metrics["baselines"])
    rows = []
    for label, path, share in REGRESSION_ROWS:
        own = figure_at(metrics["regression"], path)
        if own is None:
            continue
        cells = [figure_cell(own, key, share)]
        for name in names:
            cells.append(
                {**figure_cell(figure_at(metrics["baselines"][name], path), key, share), "ci": ""}
            )
        rows.append({"label": label, "cells": cells})
    return {"columns": ["Model", *(SHORT_LABELS.get(name, name) for name in names)], "rows": rows}


def unit_cells(metrics: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Errors in logMAR, letters and lines, of all eyes and of those that were never off the chart.

    Of all eyes alone where none was off the chart.
    """
    parts = {"All eyes": metrics["regression"]}
    if any(metrics["n_off_chart"].values()) and "regression_on_chart" in metrics:
        parts["Without off-chart eyes"] = metrics["regression_on_chart"]
    units: tuple[tuple[str, Unit], ...] = (("letters", "letters"), ("lines", "lines"))
    rows = []
    for label, path, share in REGRESSION_ROWS:
        if " ".join(path) not in DISTANCES and not share:
            continue
        cells = []
        for section in parts.values():
            cells.append(figure_cell(figure_at(section, path), key, share))
            for _, unit in units:
                if share:
                    cells.append({"value": "", "ci": ""})
                    continue
                figure = figure_at(in_chart_units(section, unit), path)
                cells.append({**figure_cell(figure, key, share, digits=1), "ci": ""})
        rows.append({"label": label, "cells": cells})
    return {
        "groups": list(parts),
        "columns": ["logMAR", *(name for name, _ in units)],
        "rows": rows,
    }


def recovery_cells(
    metrics: Mapping[str, Any], outcomes: Sequence[Outcome], key: str
) -> dict[str, Any] | None:
    """All recovery figures, a column per outcome, the baselines' AUROC below; None without any."""
    if not outcomes:
        return None
    parts = [metrics["recovery"][outcome.name] for outcome in outcomes]
    counts = [{"value": f"{part['n_recovered']} of {part['n_eyes']}", "ci": ""} for part in parts]
    rows = [{"label": "Eyes that recovered", "cells": counts}]
    rows += [
        {"label": label, "cells": [figure_cell(part[name], key, share) for part in parts]}
        for label, name, share in RECOVERY_ROWS
    ]
    for name in metrics["baselines"]:
        areas = [metrics["baselines"][name]["recovery"][o.name]["auroc"] for o in outcomes]
        label = f"AUROC of baseline: {SHORT_LABELS.get(name, name)}"
        rows.append({"label": label, "cells": [figure_cell(area, key, False) for area in areas]})
        gaps = [
            figure_at(metrics["versus"].get(name, {}), ("auroc_difference", o.name))
            for o in outcomes
        ]
        if any(gap is not None for gap in gaps):
            cells = [_signed(gap, key) for gap in gaps]
            rows.append({"label": "Model's AUROC minus this", "cells": cells})
    rows += probability_cells(metrics, outcomes, key)
    return {"columns": [outcome.in_words() for outcome in outcomes], "rows": rows}


def probability_cells(
    metrics: Mapping[str, Any], outcomes: Sequence[Outcome], key: str
) -> list[dict[str, Any]]:
    """Calibration slope and intercept of the probabilities, a column per outcome; old: none."""
    parts = [metrics.get("calibration", {}).get(outcome.name, {}) for outcome in outcomes]
    return [
        {"label": label, "cells": [figure_cell(part.get(name), key, share=False) for part in parts]}
        for label, name in (
            ("Calibration slope (ideal 1)", "slope"),
            ("Calibration in the large (ideal 0)", "intercept"),
        )
        if any(name in part for part in parts)
    ]


def figure_cell(
    figure: Mapping[str, Any] | None, key: str, share: bool, digits: int = 3
) -> dict[str, str]:
    """A figure as text, a dash where undefined."""
    if figure is None:
        return {"value": "–", "ci": ""}
    value, (low, high) = figure["value"], figure[key]
    if value is None:
        return {"value": "–", "ci": ""}
    if share:
        ci = "" if low is None else f"{100 * low:.0f} to {100 * high:.0f}%"
        return {"value": f"{100 * value:.0f}%", "ci": ci}
    ci = "" if low is None else span_text(low, high, digits)
    return {"value": number_text(value, digits), "ci": ci}


def _signed(figure: Mapping[str, Any] | None, key: str) -> dict[str, str]:
    """A difference as text, with its sign."""
    cell = figure_cell(figure, key, share=False)
    if figure is None or figure["value"] is None:
        return cell
    return {**cell, "value": signed_text(figure["value"])}


def figure_at(tree: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any] | None:
    """A figure, None where older metrics lack it."""
    for key in path:
        if key not in tree:
            return None
        tree = tree[key]
    return tree


def selective_cells(metrics: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """What the model's confidence is worth: label and figure; empty in old metrics."""
    part = metrics.get("selective") or {}
    rows = [
        ("Correctness-confidence rank correlation (CCRC)", "ccrc", False),
        ("The same of an honest model with these widths", "ccrc_ceiling", False),
        ("Kendall's tau-b of the same", "kendall_tau_b", False),
        ("Area under the risk-coverage curve, logMAR", "aurc", False),
        ("The same in any order of the eyes", "aurc_random", False),
        ("The same with the smallest error first", "aurc_oracle", False),
        ("Usable region: 90% within two lines", "ure", True),
    ]
    return [
        {"label": label, "cells": [figure_cell(part[name], key, share)]}
        for label, name, share in rows
        if isinstance(part.get(name), Mapping)
    ]
