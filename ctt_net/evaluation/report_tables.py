"""The report's tables as text, cell by cell, so that the template only lays them out."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctt_net.evaluation.comparison import comparison_table, number_text, signed_text, span_text
from ctt_net.outcome import Outcome

SHORT_LABELS = {
    "mean": "Mean outcome",
    "preop_only": "Preop VA only",
    "covariates": "Preop VA, covariates",
    "boosting": "Boosted trees",
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


def regression_cells(metrics: Mapping[str, Any], key: str) -> dict[str, Any]:
    """All regression figures, a column each for the model (with intervals) and the baselines."""
    names = list(metrics["baselines"])
    rows = []
    for label, path, share in REGRESSION_ROWS:
        cells = [figure_cell(_at(metrics["regression"], path), key, share)]
        for name in names:
            cells.append(
                {**figure_cell(_at(metrics["baselines"][name], path), key, share), "ci": ""}
            )
        rows.append({"label": label, "cells": cells})
    return {"columns": ["Model", *(SHORT_LABELS.get(name, name) for name in names)], "rows": rows}


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
    return {"columns": [outcome.in_words() for outcome in outcomes], "rows": rows}


def figure_cell(figure: Mapping[str, Any], key: str, share: bool) -> dict[str, str]:
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
