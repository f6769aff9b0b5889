"""`audit.json` for programs, `audit.html` for people."""

import json
from pathlib import Path
from typing import Any

from ctt_net.audit.result import ALPHA, AuditResult
from ctt_net.audit.run import Audit
from ctt_net.io.atomic_write import atomic_write_all
from ctt_net.report.comparison import number_text, span_text

JSON_FILE = "audit.json"
PAGE_FILE = "audit.html"
TEMPLATES = Path(__file__).parent / "templates"

# Lines shown on the page; audit.json holds all.
_SHOWN_ROWS = 50

# All figures of these are partial R², by covariate or site.
_ALL_SHARES = ("covariate-is-outcome", "marks-within-site")


def write_audit(audit: Audit, out: Path) -> None:
    """Write both files.

    Raises:
        InputError: If there is no writing there.
    """
    text = json.dumps(audit.to_dict(), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    atomic_write_all(out, {JSON_FILE: text, PAGE_FILE: page(audit)})


def page(audit: Audit) -> str:
    """HTML of one file that loads nothing."""
    from ctt_net.report.page import render  # imports the template library: slow

    return render(
        "audit.html",
        folder=TEMPLATES,
        title=f"Audit of {audit.facts['model']}",
        synthetic=audit.synthetic,
        verdict=audit.verdict(),
        facts=audit.facts,
        alpha=f"{ALPHA:.0%}",
        cards=[_card(result) for result in sorted(audit.results, key=_weight)],
    )


def state(result: AuditResult) -> str:
    """`finding`, `nothing found` or `not tested`."""
    return {True: "finding", False: "nothing found", None: "not tested"}[result.finding]


def _weight(result: AuditResult) -> int:
    """Findings first, then what was not found; otherwise in the order tested."""
    return {True: 0, False: 1, None: 2}[result.finding]


def _card(result: AuditResult) -> dict[str, Any]:
    return {
        "result": result,
        "state": state(result),
        "figures": [
            (
                _label(name),
                _value(result.code, name, figure["value"]),
                span_text(*figure["ci95"]),
            )
            for name, figure in result.figures.items()
        ],
        "chance": _p_values(result),
        "rows": result.rows[:_SHOWN_ROWS],
        "more": max(0, len(result.rows) - _SHOWN_ROWS),
    }


def _value(code: str, name: str, value: float | None) -> str:
    """A figure as text; a negative partial R² explains nothing."""
    if value is None:
        return "–"
    share = "partial_r2" in name or name.startswith("share") or code in _ALL_SHARES
    return f"none ({number_text(value)})" if share and value < 0 else number_text(value)


def _label(name: str) -> str:
    """Name of a figure for people; sites and covariates keep their names.

    Example:
        >>> _label("mae_rise"), _label("r2_permuted")
        ('MAE rise', 'R² permuted')
    """
    words = {"mae": "MAE", "r2": "R²"}
    return " ".join(words.get(word, word) for word in name.split("_"))


def _p_values(result: AuditResult) -> str:
    """The p-values as text; empty for a fact, and where nothing was tested."""
    if result.p_value is None or result.p_corrected is None or result.p_value >= 1:
        return ""
    return f"p = {result.p_value:.2g}, corrected for all tests {result.p_corrected:.2g}"
