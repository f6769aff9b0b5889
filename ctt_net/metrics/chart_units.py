"""Errors in the units of the chart: letters and lines instead of logMAR."""

from collections.abc import Mapping
from typing import Any, Literal

Unit = Literal["letters", "lines"]

# An ETDRS chart: five letters a line, a line is 0.1 logMAR.
PER_LOGMAR: Mapping[Unit, float] = {"letters": 50.0, "lines": 10.0}

# Figures of `metrics.json` that are a distance or a difference in logMAR; others have no such unit.
IN_LOGMAR = frozenset(
    (
        *("mae", "rmse", "median_ae", "bias", "lower", "upper"),
        *("mae_difference", "mae_gap", "mean_width", "mae_reported", "mae_abstained"),
    )
)


def in_chart_units(section: Mapping[str, Any], unit: Unit) -> dict[str, Any]:
    """A section of `metrics.json` in letters or lines, without the figures that are no distance.

    The sign stays: a positive bias means that the eye reads more letters than predicted.

    Args:
        section: Any part of `metrics.json`, such as `metrics["regression"]`.
        unit: Letters (50 per logMAR) or lines (10 per logMAR).

    Returns:
        The same nesting; every figure as `{"value": x, "ci95": [lo, hi]}`.

    Example:
        >>> mae = {"value": 0.12, "ci95": [0.1, 0.14]}
        >>> in_chart_units({"mae": mae, "r2": {"value": 0.4, "ci95": [0.3, 0.5]}}, "letters")
        {'mae': {'value': 6.0, 'ci95': [5.0, 7.0]}}
    """
    out: dict[str, Any] = {}
    for name, part in section.items():
        if not isinstance(part, Mapping):
            continue
        if "value" not in part:
            inner = in_chart_units(part, unit)
            if inner:
                out[name] = inner
        elif name in IN_LOGMAR:
            out[name] = {
                key: _scaled(part[key], unit)
                for key in part
                if key == "value" or key.startswith("ci")
            }
    return out


def _scaled(value: Any, unit: Unit) -> Any:
    """A number, the two ends of an interval, or None; rounded to what floating point leaves."""
    if isinstance(value, list):
        return [_scaled(end, unit) for end in value]
    return None if value is None else round(value * PER_LOGMAR[unit], 12)
