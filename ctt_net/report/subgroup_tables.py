"""Groups of eyes for the page: which are told about, in words and in a table."""

from collections.abc import Mapping
from typing import Any

from ctt_net.report.comparison import signed_text
from ctt_net.report.tables import figure_cell

GROUPINGS = {
    "preop_band": "Acuity before, logMAR",
    "quality": "Signal quality",
    "views": "Scans",
    "site": "Site",
    "device": "Device",
    "sex": "Sex",
    "age_band": "Age",
    "axial_length_band": "Axial length",
    "pathology": "Pathology",
    "diagnosis": "Diagnosis",
    "eye_order": "Order of operation",
}


def heading(grouping: str) -> str:
    """A grouping in words.

    Example:
        >>> heading("age_band"), heading("elevated_edge")
        ('Age', 'elevated edge')
    """
    return GROUPINGS.get(grouping, grouping.replace("_", " "))


COLUMNS = (
    "Group", "Eyes", "Patients", "MAE", "Bias", "Coverage", "Width", "Advised against",
    "MAE minus others", "Adjusted p",
)  # fmt: skip


def told_groups(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Groups whose figures are shown, in the order of the file.

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


def group_rows(metrics: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The table of groups: a heading for each grouping, then its groups."""
    out: list[dict[str, Any]] = []
    for grouping, groups in (metrics.get("subgroups") or {}).items():
        out.append({"heading": heading(grouping)})
        for name, group in groups.items():
            if group.get("suppressed"):
                out.append({"label": name, "n_eyes": group["n_eyes"], "suppressed": True})
                continue
            gap = group["mae_gap"]
            out.append(
                {
                    "label": name,
                    "n_eyes": group["n_eyes"],
                    "few": group["few"],
                    "cells": [
                        {"value": f"{group['n_patients']:,}", "ci": ""},
                        figure_cell(group["mae"], key, share=False),
                        figure_cell(group["bias"], key, share=False),
                        figure_cell(group["coverage"], key, share=True),
                        {**figure_cell(group["mean_width"], key, share=False), "ci": ""},
                        {**figure_cell(group["abstention_rate"], key, share=True), "ci": ""},
                        {**figure_cell(gap, key, share=False), "value": signed_text(gap["value"])},
                        {"value": p_text(gap.get("p_adjusted")), "ci": ""},
                    ],
                }
            )
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
