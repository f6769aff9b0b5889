"""The one table and the one sentence: what did the images add?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from ctt_net.evaluation.alarms import TOO_FEW_PATIENTS
from ctt_net.evaluation.bootstrap import interval_key

LETTER_LOGMAR = 0.02

LABELS = {
    "model": "Model",
    "mean": "Mean outcome",
    "preop_only": "Preop VA only",
    "covariates": "Preop VA and covariates",
    "oracle": "Oracle floor",
}
IN_WORDS = {
    "mean": "the average outcome of all eyes",
    "preop_only": "preoperative VA alone",
    "covariates": "preoperative VA and the recorded covariates",
}


@dataclass(frozen=True)
class ComparisonRow:
    """One predictor's mean absolute error, logMAR, and the model's minus it.

    Args:
        name: `model`, a baseline, or `oracle`.
        mae: Mean absolute error.
        lo: Lower end of its interval.
        hi: Upper end of its interval.
        difference: Model minus this one, paired; negative = the model is better. None for itself.
        difference_lo: Lower end of its interval.
        difference_hi: Upper end of its interval.
    """

    name: str
    mae: float
    lo: float | None
    hi: float | None
    difference: float | None = None
    difference_lo: float | None = None
    difference_hi: float | None = None

    @property
    def label(self) -> str:
        """Name for readers."""
        return LABELS.get(self.name, self.name)


def comparison_table(metrics: Mapping[str, Any]) -> list[ComparisonRow]:
    """Model, baselines and, where known, oracle floor."""
    key = interval_key(metrics["settings"]["level"])
    rows = [_row("model", metrics["regression"]["mae"], None, key)]
    for name, figures in metrics["baselines"].items():
        rows.append(_row(name, figures["mae"], metrics["versus"][name]["mae_difference"], key))
    if "oracle" in metrics:
        oracle = metrics["oracle"]
        rows.append(_row("oracle", oracle["mae"], oracle["mae_difference"], key))
    return rows


def render_table(metrics: Mapping[str, Any]) -> Table:
    """The comparison for the terminal."""
    level = f"{metrics['settings']['level']:.0%}"
    eyes, patients = metrics["n_eyes"], metrics["n_patients"]
    table = Table(title=f"Mean absolute error, logMAR; {eyes} eyes of {patients} patients")
    table.add_column("")
    for heading in (f"MAE ({level} CI)", f"model minus this ({level} CI)"):
        table.add_column(heading, justify="right")
    for row in comparison_table(metrics):
        gap = signed_text(row.difference)
        table.add_row(
            row.label,
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
    """What the images added beyond the strongest baseline, in one sentence of plain words."""
    row = strongest_baseline(metrics)
    if row is None or row.difference is None:
        return "No baseline was given, so what the images add cannot be said."
    beyond = IN_WORDS.get(row.name, f"the baseline '{row.name}'")
    low, high = row.difference_lo, row.difference_hi
    if metrics["n_patients"] < TOO_FEW_PATIENTS or low is None or high is None:
        return (
            f"There are too few patients ({metrics['n_patients']}) to say whether the images add "
            f"anything beyond {beyond}."
        )
    level = f"{metrics['settings']['level']:.0%} CI"
    amount = f"{abs(row.difference):.3f} logMAR"
    letters = f"about {abs(row.difference) / LETTER_LOGMAR:.1f} letters"
    if high < 0:
        return (
            f"Beyond {beyond}, the model lowers the mean absolute error by {amount} "
            f"({level} {-high:.3f} to {-low:.3f}; {letters})."
        )
    if low > 0:
        return (
            f"The model is worse than {beyond}: its mean absolute error is {amount} higher "
            f"({level} {low:.3f} to {high:.3f}; {letters})."
        )
    return (
        f"The model adds nothing measurable beyond {beyond}: its mean absolute error differs by "
        f"{signed_text(row.difference)} logMAR ({level} {signed_text(low)} to {signed_text(high)})."
    )


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
    name: str, mae: Mapping[str, Any], difference: Mapping[str, Any] | None, key: str
) -> ComparisonRow:
    lo, hi = mae[key]
    if difference is None:
        return ComparisonRow(name, mae["value"], lo, hi)
    low, high = difference[key]
    return ComparisonRow(name, mae["value"], lo, hi, difference["value"], low, high)
