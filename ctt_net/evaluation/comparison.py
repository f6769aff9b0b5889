"""The one table and the one sentence: what did the images add?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from ctt_net.evaluation.alarms import TOO_FEW_PATIENTS
from ctt_net.evaluation.bootstrap import interval_key
from ctt_net.evaluation.chart_units import PER_LOGMAR
from ctt_net.evaluation.eyes import STRONGEST

LABELS = {
    "model": "Model",
    "mean": "Mean outcome",
    "preop_only": "Preop VA only",
    "covariates": "Preop VA and covariates",
    "boosting": "The same, boosted trees",
    "oracle": "Oracle floor",
}

# More than this are counted, not named.
NAMED_COVARIATES = 3


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
    """What the images added beyond the strongest baseline, in one sentence of plain words.

    The baseline is the strongest on these very eyes. That is no advantage of the model: the
    smallest of several errors is below what that baseline will do on other eyes. The interval
    counts the choice, since the strongest is chosen anew in every resample; an improvement is
    claimed only if the model beats whichever is best there, hence every one of them. That the model
    is worse is claimed only if it also is by the interval against that one baseline, since the best
    of several may look better than the model by chance.
    """
    row = strongest_baseline(metrics)
    if row is None or row.difference is None:
        return "No baseline was given, so what the images add cannot be said."
    beyond = beyond_in_words(row.name, metrics)
    low, high = row.difference_lo, row.difference_hi
    if STRONGEST in metrics["versus"]:
        key = interval_key(metrics["settings"]["level"])
        low, high = metrics["versus"][STRONGEST]["mae_difference"][key]
    if metrics["n_patients"] < TOO_FEW_PATIENTS or low is None or high is None:
        return (
            f"There are too few patients ({metrics['n_patients']}) to say whether the images add "
            f"anything beyond {beyond}."
        )
    level = f"{metrics['settings']['level']:.0%} CI"
    amount = f"{abs(row.difference):.3f} logMAR"
    letters = f"about {abs(row.difference) * PER_LOGMAR['letters']:.1f} letters"
    if high < 0:
        return (
            f"Beyond {beyond}, the images lower the mean absolute error by {amount} "
            f"({level} {-high:.3f} to {-low:.3f}; {letters})."
        )
    if low > 0 and row.difference_lo is not None and row.difference_lo > 0:
        return (
            f"The model is worse than {beyond}: its mean absolute error is {amount} higher "
            f"({level} {low:.3f} to {high:.3f}; {letters})."
        )
    return (
        f"Beyond {beyond}, the images add nothing measurable: the mean absolute error differs by "
        f"{signed_text(row.difference)} logMAR ({level} {signed_text(low)} to {signed_text(high)})."
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
        "preop_only": "preoperative VA alone",
        "covariates": together,
        "boosting": f"{together} in boosted trees",
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
    name: str, mae: Mapping[str, Any], difference: Mapping[str, Any] | None, key: str
) -> ComparisonRow:
    lo, hi = mae[key]
    if difference is None:
        return ComparisonRow(name, mae["value"], lo, hi)
    low, high = difference[key]
    return ComparisonRow(name, mae["value"], lo, hi, difference["value"], low, high)
