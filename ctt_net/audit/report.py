"""`audit.json` for programs, `audit.html` for people."""

import json
from pathlib import Path
from typing import Any

from ctt_net.audit.probe import ALPHA, Probe
from ctt_net.audit.run import Audit
from ctt_net.io.atomic_write import atomic_write_all
from ctt_net.report.comparison import number_text, span_text

JSON_FILE = "audit.json"
PAGE_FILE = "audit.html"
TEMPLATES = Path(__file__).parent / "templates"

# More lines than this help nobody on a page; audit.json holds all.
_SHOWN_ROWS = 50

# All figures of these are shares of the variance, by covariate or site.
_ALL_SHARES = ("covariate-is-outcome", "marks-within-a-site")


def write_audit(audit: Audit, out: Path) -> None:
    """Write both files.

    Raises:
        InputError: If there is no writing there.
    """
    text = json.dumps(audit.to_dict(), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    atomic_write_all(out, {JSON_FILE: text, PAGE_FILE: page(audit)})


def page(audit: Audit) -> str:
    """HTML of one file that loads nothing."""
    # Here and not above: it loads the template library, which `--help` needs not.
    from ctt_net.report.page import render

    return render(
        "audit.html",
        folder=TEMPLATES,
        title=f"Audit of {audit.facts['model']}",
        synthetic=audit.synthetic,
        verdict=audit.verdict(),
        facts=audit.facts,
        alpha=f"{ALPHA:.0%}",
        cards=[_card(probe) for probe in sorted(audit.probes, key=_weight)],
        shown_rows=_SHOWN_ROWS,
    )


def state(probe: Probe) -> str:
    """`finding`, `nothing found` or `not asked`."""
    return {True: "finding", False: "nothing found", None: "not asked"}[probe.finding]


def _weight(probe: Probe) -> int:
    """Findings first, then what was not found; otherwise in the order asked."""
    return {True: 0, False: 1, None: 2}[probe.finding]


def _card(probe: Probe) -> dict[str, Any]:
    return {
        "probe": probe,
        "state": state(probe),
        "figures": [
            (
                _in_words(name),
                _value(probe.name, name, figure["value"]),
                span_text(*figure["ci95"]),
            )
            for name, figure in probe.figures.items()
        ],
        "chance": _chance(probe),
        "rows": probe.rows[:_SHOWN_ROWS],
        "more": max(0, len(probe.rows) - _SHOWN_ROWS),
    }


def _value(probe: str, name: str, value: float | None) -> str:
    """A figure as text; a negative share of the variance explains nothing."""
    if value is None:
        return "–"
    share = name.startswith("share") or probe in _ALL_SHARES
    return f"none ({number_text(value)})" if share and value < 0 else number_text(value)


def _in_words(name: str) -> str:
    """Name of a figure; sites and covariates keep the names that people gave them.

    Example:
        >>> _in_words("mae_rise"), _in_words("r2_permuted")
        ('MAE rise', 'R² permuted')
    """
    words = {"mae": "MAE", "r2": "R²"}
    return " ".join(words.get(word, word) for word in name.split("_"))


def _chance(probe: Probe) -> str:
    """The p-values in words; empty for a fact, and where nothing was tested."""
    if probe.p_value is None or probe.p_corrected is None or probe.p_value >= 1:
        return ""
    return f"p = {probe.p_value:.2g}, corrected for all questions {probe.p_corrected:.2g}"
