"""The report's tables as text, cell by cell, so that the template only lays them out."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctt_net.metrics.chart_units import in_chart_units
from ctt_net.outcome import Outcome
from ctt_net.report.comparison import SHORT_LABELS, number_text, signed_text, span_text

Cell = dict[str, str]
BLANK: Cell = {"value": "", "ci": ""}
# Label, path in `metrics.json`, whether it is a share (printed in percent).
Rows = tuple[tuple[str, tuple[str, ...], bool], ...]

REGRESSION_ROWS: Rows = (
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
RECOVERY_ROWS: Rows = (
    ("AUROC", ("auroc",), False),
    ("Area under precision-recall", ("auprc",), False),
    ("Sensitivity", ("sensitivity",), True),
    ("Specificity", ("specificity",), True),
    ("Positive predictive value", ("precision",), True),
    ("Negative predictive value", ("npv",), True),
    ("F1", ("f1",), False),
    ("Brier score (0 = perfect)", ("brier",), False),
)
CALIBRATION_ROWS: Rows = (
    ("Calibration slope (ideal 1)", ("slope",), False),
    ("Calibration in the large (ideal 0)", ("intercept",), False),
)
SELECTIVE_ROWS: Rows = (
    ("Correctness-confidence rank correlation (CCRC)", ("ccrc",), False),
    ("Highest CCRC possible with these interval widths", ("ccrc_ceiling",), False),
    ("Kendall's tau-b of narrowness and accuracy", ("kendall_tau_b",), False),
    ("Area under the risk-coverage curve (AURC), logMAR", ("aurc",), False),
    ("AURC of a random order", ("aurc_random",), False),
    ("AURC of the best possible order", ("aurc_oracle",), False),
    ("Usable region: share of eyes of which 90% lie within two lines", ("ure",), True),
)
SUBGROUP_COLUMNS = (
    "Subgroup", "Eyes", "Patients", "MAE", "Bias", "Coverage", "Width", "Abstained",
    "MAE minus others", "Adjusted p",
)  # fmt: skip
GROUPINGS = {
    "preop_band": "Preop VA, logMAR",
    "quality": "Signal quality",
    "views": "Scans",
    "age_band": "Age",
    "axial_length_band": "Axial length",
    "eye_order": "Order of operation",
}


def figure_at(tree: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """A figure of metrics.json; None where older metrics lack it."""
    for key in path:
        if key not in tree:
            return None
        tree = tree[key]
    return tree


def figure_cell(
    figure: Mapping[str, Any] | None, key: str, share: bool = False, digits: int = 3
) -> Cell:
    """A figure and its interval as text; a dash where undefined."""
    if figure is None or figure["value"] is None:
        return {"value": "–", "ci": ""}
    value, (low, high) = figure["value"], figure[key]
    if share:
        ci = "" if low is None else f"{100 * low:.0f} to {100 * high:.0f}%"
        return {"value": f"{100 * value:.0f}%", "ci": ci}
    ci = "" if low is None else span_text(low, high, digits)
    return {"value": number_text(value, digits), "ci": ci}


def regression_table(metrics: Mapping[str, Any], key: str) -> dict[str, Any]:
    """All regression metrics: the model, in letters too and without off-chart eyes, and baselines.

    Off-chart eyes have no column where there are none.
    """
    own, names = metrics["regression"], list(metrics["baselines"])
    on_chart = metrics.get("regression_on_chart") if any(metrics["n_off_chart"].values()) else None
    letters = in_chart_units(own, "letters")
    rows = []
    for label, path, share in REGRESSION_ROWS:
        if figure_at(own, path) is None:
            continue
        in_letters = figure_at(letters, path)
        cells = [
            figure_cell(figure_at(own, path), key, share),
            _without_ci(figure_cell(in_letters, key, digits=1)) if in_letters else BLANK,
        ]
        if on_chart is not None:
            cells.append(figure_cell(figure_at(on_chart, path), key, share))
        for name in names:
            other = figure_at(metrics["baselines"][name], path)
            cells.append(_without_ci(figure_cell(other, key, share)))
        rows.append({"label": label, "cells": cells})
    off_chart = [] if on_chart is None else ["Model, without off-chart eyes"]
    columns = ["Model", "in letters", *off_chart, *(SHORT_LABELS.get(name, name) for name in names)]
    return {"columns": columns, "rows": rows}


def recovery_table(
    metrics: Mapping[str, Any], outcomes: Sequence[Outcome], key: str
) -> dict[str, Any] | None:
    """All recovery figures, a column per outcome, then AUROC of the baselines; None without any."""
    if not outcomes:
        return None
    parts = [metrics["recovery"][outcome.name] for outcome in outcomes]
    recovered = [f"{part['n_recovered']} of {part['n_eyes']}" for part in parts]
    thresholds = [probability_threshold(metrics, outcome) for outcome in outcomes]
    rows = [
        {"label": label, "cells": [{"value": text, "ci": ""} for text in texts]}
        for label, texts in (
            ("Eyes that recovered", recovered),
            ("Probability threshold, fixed beforehand", thresholds),
        )
    ]

    def add(label: str, sections: list[Any], path: tuple[str, ...], share: bool = False) -> None:
        figures = [figure_at(section, path) for section in sections]
        if any(figure is not None for figure in figures):
            cells = [figure_cell(figure, key, share) for figure in figures]
            rows.append({"label": label, "cells": cells})

    for label, path, share in RECOVERY_ROWS:
        add(label, parts, path, share)
    for name, baseline in metrics["baselines"].items():
        areas = [baseline["recovery"][outcome.name] for outcome in outcomes]
        add(f"AUROC of {SHORT_LABELS.get(name, name)}", areas, ("auroc",))
        gaps = metrics["versus"].get(name, {}).get("auroc_difference", {})
        found = [gaps.get(outcome.name) for outcome in outcomes]
        if any(found):
            cells = [_signed_cell(gap, key) for gap in found]
            rows.append({"label": "AUROC of the model minus this", "cells": cells})
    calibrated = [metrics.get("calibration", {}).get(outcome.name, {}) for outcome in outcomes]
    for label, path, share in CALIBRATION_ROWS:
        add(label, calibrated, path, share)
    return {"columns": [outcome.in_words() for outcome in outcomes], "rows": rows}


def probability_threshold(metrics: Mapping[str, Any], outcome: Outcome) -> str:
    """From which probability on an eye counts as predicted to recover; a span if it is per fold."""
    cut = metrics["settings"]["probability_cut"]
    if isinstance(cut, Mapping):  # older metrics hold one number for all
        cut = cut[outcome.name]
    cuts = sorted(cut.values()) if isinstance(cut, Mapping) else [cut]
    low, high = f"{cuts[0]:.2f}", f"{cuts[-1]:.2f}"
    return low if low == high else f"{low} to {high}, by fold"


def selective_rows(metrics: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Figures of selective prediction; empty in old metrics."""
    part = metrics.get("selective") or {}
    return [
        {"label": label, "cells": [figure_cell(figure_at(part, path), key, share)]}
        for label, path, share in SELECTIVE_ROWS
        if figure_at(part, path) is not None
    ]


def grouping_label(grouping: str) -> str:
    """A grouping in words.

    Example:
        >>> grouping_label("age_band"), grouping_label("elevated_edge")
        ('Age', 'Elevated edge')
    """
    words = grouping.replace("_", " ")
    return GROUPINGS.get(grouping, words[:1].upper() + words[1:])


def shown_groups(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Groups that are not suppressed, in the order of the file.

    Returns:
        For each `grouping, name, n_eyes, figures` and `p{mae, coverage}`, the adjusted ones.
    """
    return [
        {
            "grouping": grouping,
            "name": name,
            "n_eyes": group["n_eyes"],
            "figures": group,
            "p": {one: group[f"{one}_gap"].get("p_adjusted") for one in ("mae", "coverage")},
        }
        for grouping, groups in (metrics.get("subgroups") or {}).items()
        for name, group in groups.items()
        if not group.get("suppressed")
    ]


def subgroup_rows(metrics: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The table of subgroups: a heading for each grouping, then its groups."""
    out: list[dict[str, Any]] = []
    for grouping, groups in (metrics.get("subgroups") or {}).items():
        out.append({"heading": grouping_label(grouping)})
        for name, group in groups.items():
            row = {"label": name, "n_eyes": group["n_eyes"]}
            if group.get("suppressed"):
                out.append({**row, "suppressed": True})
                continue
            cells = [
                {"value": f"{group['n_patients']:,}", "ci": ""},
                figure_cell(group["mae"], key),
                figure_cell(group["bias"], key),
                figure_cell(group["coverage"], key, share=True),
                _without_ci(figure_cell(group["mean_width"], key)),
                _without_ci(figure_cell(group["abstention_rate"], key, share=True)),
                _signed_cell(group["mae_gap"], key),
                {"value": p_text(group["mae_gap"].get("p_adjusted")), "ci": ""},
            ]
            out.append({**row, "few": group["few"], "cells": cells})
    return out


def p_text(p: float | None) -> str:
    """A p-value for readers.

    Example:
        >>> p_text(0.00004), p_text(0.034), p_text(0.31)
        ('< 0.001', '0.034', '0.31')
    """
    if p is None:
        return "–"
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _without_ci(cell: Cell) -> Cell:
    return {**cell, "ci": ""}


def _signed_cell(figure: Mapping[str, Any] | None, key: str) -> Cell:
    """A difference, with its sign."""
    cell = figure_cell(figure, key)
    if figure is None or figure["value"] is None:
        return cell
    return {**cell, "value": signed_text(figure["value"])}
