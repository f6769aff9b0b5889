"""The one table and the one sentence: what did the images add?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ctt_net.baselines.clinical import baseline_label
from ctt_net.errors import count_of
from ctt_net.metrics.bootstrap import interval_key
from ctt_net.metrics.chart_units import PER_LOGMAR
from ctt_net.report.warnings import TOO_FEW_PATIENTS

if TYPE_CHECKING:
    from rich.table import Table

# For columns and legends; what each knows stands in `baseline_label`.
SHORT_LABELS = {
    "model": "Model",
    "mean": "Mean outcome",
    "median": "Median outcome",
    "preop_only": "Preop VA only",
    "covariates": "Ridge regression",
    "boosting": "Gradient boosting",
    "svm": "Support vector machine",
    "stack": "Clinical start (stack)",
    "svm_measures": "Measures of the scans",
    "reader": "Perfect reader of scans and preop VA",
    "oracle": "Lowest achievable error",
}

# More than this are counted, not named.
NAMED_COVARIATES = 3

# No chart shows less.
LETTER_LOGMAR = 0.02

Finding = Literal["better", "worse", "alike", "open", "few"]

FINDINGS: dict[Finding, str] = {
    "better": "smaller error",
    "worse": "larger error",
    "alike": "within one letter",
    "open": "inconclusive",
    "few": "too few patients",
}


@dataclass(frozen=True)
class ComparisonRow:
    """One predictor's mean absolute error, logMAR, and the model's minus it.

    Args:
        name: `model`, a baseline, `reader` or `oracle`.
        label: Name for readers.
        mae: Mean absolute error.
        lo: Lower end of its interval.
        hi: Upper end of its interval.
        difference: Model minus this one, paired; negative = the model is better. None for itself.
        difference_lo: Lower end of its interval.
        difference_hi: Upper end of its interval.
    """

    name: str
    label: str
    mae: float
    lo: float | None
    hi: float | None
    difference: float | None = None
    difference_lo: float | None = None
    difference_hi: float | None = None

    @property
    def short_label(self) -> str:
        """Name for columns and legends."""
        return SHORT_LABELS.get(self.name, self.name)

    def finding(self, n_patients: int) -> Finding:
        """What the model's difference from this predictor says; `paired_finding`."""
        return paired_finding(self.difference_lo, self.difference_hi, n_patients)


def comparison_table(metrics: Mapping[str, Any]) -> list[ComparisonRow]:
    """Model, baselines and, on simulated eyes, the perfect reader and lowest achievable error."""
    key = interval_key(metrics["settings"]["level"])
    rows = [_row("model", "Model", metrics["regression"]["mae"], None, key)]
    for name, figures in metrics["baselines"].items():
        label, gap = baseline_label(name, metrics["baselines"]), metrics["versus"][name]
        rows.append(_row(name, label, figures["mae"], gap["mae_difference"], key))
    for name in ("reader", "oracle"):
        if name in metrics:
            one = metrics[name]
            rows.append(_row(name, SHORT_LABELS[name], one["mae"], one["mae_difference"], key))
    return rows


def paired_finding(low: float | None, high: float | None, n_patients: int) -> Finding:
    """What a paired difference of mean absolute errors says, by its interval alone.

    The ends count as they are printed, so that no word goes beyond what a reader sees.

    Args:
        low: Lower end, logMAR.
        high: Upper end.
        n_patients: That it was measured on.

    Returns:
        `better` or `worse` where the interval lies on one side of 0; `alike` where it holds 0 and
        reaches no further than a letter; else `open`; `few` below ten patients, or no interval.

    Example:
        >>> paired_finding(0.004, 0.126, 50), paired_finding(-0.012, 0.015, 50)
        ('worse', 'alike')
    """
    if n_patients < TOO_FEW_PATIENTS or low is None or high is None:
        return "few"
    low, high = round(low, 3), round(high, 3)
    if high < 0:
        return "better"
    if low > 0:
        return "worse"
    return "alike" if max(-low, high) <= LETTER_LOGMAR else "open"


def render_table(metrics: Mapping[str, Any]) -> "Table":
    """The comparison for the terminal."""
    level = f"{metrics['settings']['level']:.0%}"
    counted = (
        f"{count_of(metrics['n_eyes'], 'eye')} of {count_of(metrics['n_patients'], 'patient')}"
    )
    from rich.table import Table

    table = Table(title=f"Mean absolute error, logMAR; {counted}")
    table.add_column("")
    for heading in (f"MAE ({level} CI)", f"model minus this ({level} CI)"):
        table.add_column(heading, justify="right")
    for row in comparison_table(metrics):
        gap = signed_text(row.difference)
        table.add_row(
            row.short_label,
            f"{row.mae:.3f} ({span_text(row.lo, row.hi)})",
            f"{gap} ({span_text(row.difference_lo, row.difference_hi)})" if gap else "",
            style="bold" if row.name == "model" else None,
        )
    return table


def strongest_baseline(metrics: Mapping[str, Any]) -> ComparisonRow | None:
    """The baseline with the smallest error: the one that the model has to beat."""
    rows = [row for row in comparison_table(metrics) if row.name in metrics["baselines"]]
    return min(rows, key=lambda row: row.mae, default=None)


def verdict(metrics: Mapping[str, Any]) -> str:
    """What the images added beyond the strongest baseline, in words that its interval supports.

    The baseline is the strongest on these very eyes, which favours the baseline: the smallest of
    several errors is below what that baseline will do on other eyes. An improvement is claimed
    without reserve only if the model beats every baseline.
    """
    row = strongest_baseline(metrics)
    if row is None or row.difference is None:
        return "No baseline was given, so what the images add cannot be measured."
    n, finding = metrics["n_patients"], row.finding(metrics["n_patients"])
    beyond = beyond_in_words(row.name, metrics)
    low, high = row.difference_lo, row.difference_hi
    if finding == "few" or low is None or high is None:
        why = f"too few patients ({n})" if n < TOO_FEW_PATIENTS else "no intervals"
        return f"There are {why} to say whether the images add anything beyond {beyond}."
    level = f"{metrics['settings']['level']:.0%} CI"
    amount = f"{abs(row.difference):.3f} logMAR"
    letters = f"about {abs(row.difference) * PER_LOGMAR['letters']:.1f} letters"
    if finding == "better":
        others = [
            beyond_in_words(other.name, metrics)
            for other in comparison_table(metrics)
            if other.name in metrics["baselines"] and other.finding(n) != "better"
        ]
        reserve = (
            f" The improvement over {' and '.join(others)} is not significant." if others else ""
        )
        return (
            f"Beyond {beyond}, the images lower the mean absolute error by {amount} "
            f"({level} {-high:.3f} to {-low:.3f}; {letters}).{reserve}"
        )
    if finding == "worse":
        return (
            f"The model is worse than {beyond}: its mean absolute error is {amount} higher "
            f"({level} {low:.3f} to {high:.3f}; {letters})."
        )
    differs = f"{signed_text(row.difference)} logMAR"
    differs += f" ({level} {signed_text(low)} to {signed_text(high)})"
    if finding == "alike":
        return (
            f"Beyond {beyond}, the images change the mean absolute error by no more than a letter "
            f"either way: {differs}."
        )
    return (
        f"Whether the images add anything beyond {beyond} remains open: the mean absolute error "
        f"differs by {differs}."
    )


def beyond_in_words(name: str, metrics: Mapping[str, Any]) -> str:
    """What a baseline knows, as words of a sentence.

    Args:
        name: Of the baseline.
        metrics: As `evaluate` builds them; its settings name the covariates.
    """
    names = list(metrics["settings"].get("covariates", ()))
    known = ["preoperative VA", *names]
    together = f"{', '.join(known[:-1])} and {known[-1]}" if names else "preoperative VA"
    if len(names) > NAMED_COVARIATES:
        together = f"preoperative VA and {len(names)} recorded covariates"
    elif not names and "covariates" in metrics["baselines"]:
        together = "preoperative VA and the recorded covariates"
    words = {
        "mean": "the average outcome of all eyes",
        "median": "the median outcome of all eyes",
        "preop_only": "preoperative VA alone",
        "covariates": together,
        "boosting": f"{together} (gradient boosting)",
        "svm": f"{together} (support vector machine)",
        "stack": "the clinical prediction that the model starts from",
        "svm_measures": f"{together} and measures of the scans (support vector machine)",
    }
    return words.get(name, f"the baseline '{name}'")


def span_text(low: float | None, high: float | None, digits: int = 3) -> str:
    """`0.012 to 0.034`, or a dash where there is no interval."""
    if low is None or high is None:
        return "–"
    return f"{number_text(low, digits)} to {number_text(high, digits)}"


def signed_text(value: float | None, digits: int = 3) -> str:
    """`+0.012`, empty for None."""
    if value is None:
        return ""
    text = number_text(value, digits)
    return f"+{text}" if float(f"{value:.{digits}f}") > 0 else text


def number_text(value: float, digits: int = 3) -> str:
    """A number with a true minus sign, and no sign on a zero.

    Example:
        >>> number_text(-0.0004), number_text(0.25)
        ('0.000', '0.250')
    """
    rounded = float(f"{value:.{digits}f}") + 0.0
    return f"{rounded:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _row(
    name: str, label: str, mae: Mapping[str, Any], difference: Mapping[str, Any] | None, key: str
) -> ComparisonRow:
    lo, hi = mae[key]
    if difference is None:
        return ComparisonRow(name, label, mae["value"], lo, hi)
    low, high = difference[key]
    return ComparisonRow(name, label, mae["value"], lo, hi, difference["value"], low, high)
