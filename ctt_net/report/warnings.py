"""What a reader must know before believing the figures, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from scipy.special import bdtr, bdtrc

from ctt_net.errors import count_of
from ctt_net.metrics.chart_units import PER_LOGMAR
from ctt_net.metrics.subgroups import EXPECTED_GAPS
from ctt_net.outcome import Outcome

# Mean absolute difference of two readings of the same healthy eye: Rosser 2004 and Leinonen 2005
# give 0.04 to 0.05 logMAR. A model cannot know the noise of the next reading.
TEST_RETEST_MAE_LOGMAR = 0.04

FEW_PATIENTS = 50
TOO_FEW_PATIENTS = 10

# Share of chance findings among the gaps between groups that are warned of.
GAP_FALSE_DISCOVERY = 0.05

# One-sided; of the bands of preop acuity for all together.
BY_CHANCE = 0.025

MINUS = "\N{MINUS SIGN}"

REFUTED = "These eyes show that they do not hold what they were set to hold."


def with_warnings(
    metrics: Mapping[str, Any],
    guarantee: str = "",
    further: Sequence[str] = (),
    outcomes: Sequence[Outcome] = (),
) -> dict[str, Any]:
    """`metrics.json` as it is written: figures, and what must be known before believing them.

    Args:
        metrics: As `evaluate` builds them.
        guarantee: What the prediction intervals promise and to whom.
        further: Warnings that the figures do not give.
        outcomes: Those of the metrics, named in words; others by their key.
    """
    words = {one.name: one.in_words() for one in outcomes}
    words = {name: f'Outcome "{words.get(name, name)}"' for name in metrics.get("recovery", {})}
    refuted = coverage_finding(metrics) == "too narrow"
    interval = {**metrics["interval"], "guarantee": REFUTED if refuted else guarantee}
    warnings = [
        *_on_size(metrics),
        *_on_missing(metrics),
        *_on_leakage(metrics),
        *_on_interval(metrics),
        *_on_bands(metrics),
        *_on_poor_ends(metrics),
        *_on_recovery(metrics, words),
        *_on_probabilities(metrics, words),
        *_on_discrimination(metrics, words),
        *_on_subgroups(metrics),
        *further,
    ]
    return {**metrics, "interval": interval, "warnings": warnings}


def _on_size(metrics: Mapping[str, Any]) -> list[str]:
    n = metrics["n_patients"]
    if n < TOO_FEW_PATIENTS:
        return [
            f"Only {count_of(n, 'patient')}: the intervals are not to be trusted, and no "
            "conclusion can be drawn."
        ]
    if n < FEW_PATIENTS:
        return [f"Only {n} patients (fewer than {FEW_PATIENTS}): every figure is uncertain."]
    return []


def _on_missing(metrics: Mapping[str, Any]) -> list[str]:
    out = []
    if metrics["n_missing_truth"]:
        out.append(
            f"{count_of(metrics['n_missing_truth'], 'eye')} left out: postoperative acuity unknown."
        )
    if metrics["n_missing_prediction"]:
        unpredicted = count_of(metrics["n_missing_prediction"], "eye")
        out.append(f"{unpredicted} left out: the model did not predict.")
    return out


def _on_leakage(metrics: Mapping[str, Any]) -> list[str]:
    mae = metrics["regression"]["mae"]["value"]
    if mae >= TEST_RETEST_MAE_LOGMAR:
        return []
    return [
        f"The mean absolute error, {mae:.3f} logMAR, lies below what two readings of the same "
        f"eye differ by ({TEST_RETEST_MAE_LOGMAR:.2f}): check for leakage of the postoperative "
        "acuity, or of these patients into training."
    ]


def coverage_finding(metrics: Mapping[str, Any]) -> str:
    """What the measured coverage says: `too narrow`, `wider than need be`, or nothing.

    Only where both the printed interval and the exact binomial of as many patients say so.
    """
    interval, n = metrics["interval"], metrics["n_patients"]
    nominal, coverage = interval["nominal"], interval["coverage"]["value"]
    low, high = ends(interval["coverage"])
    if low is None or high is None or low <= nominal <= high:
        return ""
    if coverage < nominal:
        return "too narrow" if bdtr(round(coverage * n), n, nominal) < BY_CHANCE else ""
    chance = bdtrc(round(coverage * n) - 1, n, nominal)
    return "wider than need be" if chance < BY_CHANCE else ""


def probability_finding(metrics: Mapping[str, Any], outcome: str) -> tuple[str, str]:
    """Whether the probabilities of an outcome are too high or too low, and its figures in words.

    By calibration in the large; where all eyes recovered or none, which has none, by how likely
    that was at the mean probability.

    Returns:
        `too high`, `too low` or nothing, and the words; two empty ones if nothing was measured.
    """
    figures = metrics["recovery"][outcome]
    bins = metrics.get("calibration", {}).get(outcome, {}).get("bins")
    n, recovered = figures["n_eyes"], figures["n_recovered"]
    if not bins or not n:
        return "", ""
    mean = sum(one["n_eyes"] * one["predicted"]["value"] for one in bins) / n
    words = f"mean {mean:.0%}, and {recovered} of {n} eyes ({recovered / n:.0%}) recovered"
    if recovered in (0, n):
        like = (mean if recovered else 1 - mean) ** min(n, metrics["n_patients"])
        side = "too low" if recovered else "too high"
        return (side if like < BY_CHANCE else ""), words
    intercept = metrics["calibration"][outcome]["intercept"]
    low, high = ends(intercept)
    if low is None or high is None:
        return "", words
    level = f"{metrics['settings']['level']:.0%} CI"
    large = f"{intercept['value']:+.2f} ({level} {low:+.2f} to {high:+.2f})"
    words += f"; calibration in the large {large.replace('-', MINUS)}"
    side = "too high" if round(high, 2) < 0 else "too low" if round(low, 2) > 0 else ""
    return side, words


def ends(figure: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Ends of a figure's interval, whatever its level."""
    low, high = next(value for key, value in figure.items() if key.startswith("ci"))
    return low, high


def _on_interval(metrics: Mapping[str, Any]) -> list[str]:
    finding, interval = coverage_finding(metrics), metrics["interval"]
    if not finding:
        return []
    return [
        f"The prediction intervals are {finding}: they hold {interval['coverage']['value']:.0%} of "
        f"the eyes instead of {interval['nominal']:.0%}."
    ]


def _on_poor_ends(metrics: Mapping[str, Any]) -> list[str]:
    """Eyes that end poorly, predicted too well by more than the noise of their reading explains."""
    worst = metrics.get("worst_third")
    if not worst or worst["bias"]["value"] > -TEST_RETEST_MAE_LOGMAR:
        return []
    low, high = ends(worst["bias"])
    if low is None or high is None or round(high, 3) >= 0:
        return []
    return [
        f"Too optimistic for eyes that end poorly: the {worst['n_eyes']} eyes that ended worst "
        f"({worst['from_logmar']:.2f} logMAR or worse) see {-worst['bias']['value']:.2f} logMAR "
        f"({-worst['bias']['value'] * PER_LOGMAR['letters']:.0f} letters) worse than predicted "
        f"({metrics['settings']['level']:.0%} CI {-high:.2f} to {-low:.2f})."
    ]


def _on_probabilities(metrics: Mapping[str, Any], words: Mapping[str, str]) -> list[str]:
    found = {name: probability_finding(metrics, name) for name in metrics.get("recovery", {})}
    return [
        f"{words[name]}: the probabilities are {side}: {measured}."
        for name, (side, measured) in found.items()
        if side
    ]


def _on_bands(metrics: Mapping[str, Any]) -> list[str]:
    """A band whose intervals are too narrow, beyond what one of so many bands shows by chance."""
    interval = metrics["interval"]
    nominal = interval["nominal"]
    bands = {n: band for n, band in interval["by_band"].items() if not band.get("suppressed")}
    found = [
        f"{name} ({band['coverage']['value']:.0%} of {count_of(band['n_eyes'], 'eye')})"
        for name, band in bands.items()
        if band["n_patients"]
        and bdtr(round(band["coverage"]["value"] * band["n_patients"]), band["n_patients"], nominal)
        < BY_CHANCE / len(bands)
    ]
    if not found:
        return []
    return [f"The prediction intervals are too narrow where preop acuity is {', '.join(found)}."]


def _on_recovery(metrics: Mapping[str, Any], words: Mapping[str, str]) -> list[str]:
    out = []
    for name, figures in metrics.get("recovery", {}).items():
        n, recovered = figures["n_eyes"], figures["n_recovered"]
        if n == 0:
            out.append(f"{words[name]}: no eye has both a known outcome and a probability.")
        elif recovered in (0, n):
            out.append(
                f"{words[name]}: {recovered} of {count_of(n, 'eye')} recovered, so "
                "discrimination cannot be measured."
            )
        elif n < metrics["n_eyes"]:
            out.append(
                f"{words[name]}: {count_of(metrics['n_eyes'] - n, 'eye')} left out, the outcome or "
                "its probability being unknown."
            )
    return out


def _on_discrimination(metrics: Mapping[str, Any], words: Mapping[str, str]) -> list[str]:
    """Outcomes that preoperative acuity alone discriminates better than the model."""
    gaps = metrics["versus"].get("preop_only", {}).get("auroc_difference", {})
    found = []
    for name, gap in gaps.items():
        _, high = ends(gap)
        if high is not None and round(high, 3) < 0:
            found.append(
                f"{words[name]}: preoperative VA alone discriminates better than the model "
                f"(its AUROC is higher by {-gap['value']:.3f})."
            )
    return found


def _on_subgroups(metrics: Mapping[str, Any]) -> list[str]:
    """Groups of enough eyes that the model serves worse than the rest, by error or by interval.

    Adjusted for the number of groups; one group may be listed twice, for either reason.
    """
    found = []
    for grouping, groups in metrics.get("subgroups", {}).items():
        for name, group in groups.items():
            if grouping in EXPECTED_GAPS or group.get("suppressed") or group["few"]:
                continue
            error, coverage = group["mae_gap"], group["coverage_gap"]
            if _surely(error) and error["value"] > 0:
                found.append(
                    f"{grouping} {name}: the mean absolute error is {error['value']:.3f} logMAR "
                    f"larger than in other eyes ({count_of(group['n_eyes'], 'eye')})."
                )
            if _surely(coverage) and coverage["value"] < 0:
                found.append(
                    f"{grouping} {name}: the prediction intervals hold "
                    f"{-100 * coverage['value']:.0f} percentage points fewer eyes than elsewhere "
                    f"({group['coverage']['value']:.0%} of {count_of(group['n_eyes'], 'eye')})."
                )
    return found


def _surely(gap: Mapping[str, Any]) -> bool:
    """Beyond chance by its adjusted p-value and by the interval beside it."""
    low, high = ends(gap)
    p = gap["p_adjusted"]
    if p is None or low is None or high is None:
        return False
    return bool(p < GAP_FALSE_DISCOVERY) and not low <= 0 <= high
