"""What a reader must know before believing the figures, in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import bdtr

# Mean absolute difference of two readings of the same healthy eye: Rosser 2004 and Leinonen 2005
# give 0.04 to 0.05 logMAR. A model cannot know the noise of the next reading.
TEST_RETEST_MAE_LOGMAR = 0.04

FEW_PATIENTS = 50
TOO_FEW_PATIENTS = 10

# Share of chance findings among the gaps between groups that are warned of.
GAP_FALSE_DISCOVERY = 0.05

# Poor acuity is read with more noise, so that errors rise with the band; coverage is warned of by
# band against what was promised.
_NO_GAP_WARNING = ("preop_band",)

# One-sided, for all bands of preop acuity together.
BY_CHANCE = 0.025


def alarms(metrics: Mapping[str, Any], n_without_prediction: int) -> list[str]:
    """Warnings on a set of metrics; empty if there is nothing to say.

    Args:
        metrics: As `evaluate` builds them.
        n_without_prediction: Eyes known to the baselines that the model did not predict.
    """
    return [
        *_on_size(metrics),
        *_on_missing(metrics, n_without_prediction),
        *_on_leakage(metrics),
        *_on_interval(metrics),
        *_on_bands(metrics),
        *_on_recovery(metrics),
        *_on_discrimination(metrics),
        *_on_subgroups(metrics),
    ]


def _on_size(metrics: Mapping[str, Any]) -> list[str]:
    n = metrics["n_patients"]
    if n < TOO_FEW_PATIENTS:
        return [
            f"Only {_count(n, 'patient')}: the intervals are not to be trusted, and no "
            "conclusion can be drawn."
        ]
    if n < FEW_PATIENTS:
        return [f"Only {n} patients (fewer than {FEW_PATIENTS}): every figure is uncertain."]
    return []


def _on_missing(metrics: Mapping[str, Any], n_without_prediction: int) -> list[str]:
    out = []
    if metrics["n_missing_truth"]:
        out.append(
            f"{_count(metrics['n_missing_truth'], 'eye')} left out: postoperative acuity unknown."
        )
    if n_without_prediction:
        out.append(f"{_count(n_without_prediction, 'eye')} left out: the model did not predict.")
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


def _on_interval(metrics: Mapping[str, Any]) -> list[str]:
    """Off nominal beyond chance, by the bootstrap and, where that degenerates, by the binomial."""
    interval = metrics["interval"]
    nominal, coverage = interval["nominal"], interval["coverage"]
    low, high = next(value for key, value in coverage.items() if key.startswith("ci"))
    if low is None or low <= nominal <= high:
        return []
    chance = 1.96 * np.sqrt(nominal * (1 - nominal) / metrics["n_patients"])
    if abs(coverage["value"] - nominal) <= chance:
        return []
    side = "too narrow" if coverage["value"] < nominal else "wider than need be"
    return [
        f"The prediction intervals are {side}: they hold {coverage['value']:.0%} of the eyes "
        f"instead of {nominal:.0%}."
    ]


def _on_bands(metrics: Mapping[str, Any]) -> list[str]:
    """A band whose intervals are too narrow, beyond what one of so many bands shows by chance."""
    interval = metrics["interval"]
    nominal = interval["nominal"]
    bands = {n: band for n, band in interval["by_band"].items() if not band.get("suppressed")}
    found = [
        f"{name} ({band['coverage']['value']:.0%} of {_count(band['n_eyes'], 'eye')})"
        for name, band in bands.items()
        if band["n_patients"]
        and bdtr(round(band["coverage"]["value"] * band["n_patients"]), band["n_patients"], nominal)
        < BY_CHANCE / len(bands)
    ]
    if not found:
        return []
    return [f"The prediction intervals are too narrow where preop acuity is {', '.join(found)}."]


def _on_recovery(metrics: Mapping[str, Any]) -> list[str]:
    out = []
    for name, figures in metrics.get("recovery", {}).items():
        n, recovered = figures["n_eyes"], figures["n_recovered"]
        if n == 0:
            out.append(f"Outcome {name}: no eye has both a known outcome and a probability.")
        elif recovered in (0, n):
            which = "all" if recovered else "none"
            out.append(
                f"Outcome {name}: {which} of the {n} eyes recovered, so discrimination cannot be "
                "measured."
            )
        elif n < metrics["n_eyes"]:
            out.append(
                f"Outcome {name}: {_count(metrics['n_eyes'] - n, 'eye')} left out, the outcome or "
                "its probability being unknown."
            )
    return out


def _on_discrimination(metrics: Mapping[str, Any]) -> list[str]:
    """Outcomes that preoperative acuity alone tells better than the model."""
    gaps = metrics["versus"].get("preop_only", {}).get("auroc_difference", {})
    found = []
    for name, gap in gaps.items():
        _, high = next(value for key, value in gap.items() if key.startswith("ci"))
        if high is not None and high < 0:
            found.append(
                f"Outcome {name}: preoperative VA alone tells the eyes apart better than the model "
                f"(its AUROC is higher by {-gap['value']:.2f})."
            )
    return found


def _on_subgroups(metrics: Mapping[str, Any]) -> list[str]:
    """Groups of enough eyes that the model serves worse than the rest, by error or by interval.

    Adjusted for the number of groups; one group may be listed twice, for either reason.
    """
    found = []
    for grouping, groups in metrics.get("subgroups", {}).items():
        for name, group in groups.items():
            if grouping in _NO_GAP_WARNING or group.get("suppressed") or group["few"]:
                continue
            error, coverage = group["mae_gap"], group["coverage_gap"]
            if _surely(error) and error["value"] > 0:
                found.append(
                    f"{grouping} {name}: the mean absolute error is {error['value']:.3f} logMAR "
                    f"larger than in other eyes ({_count(group['n_eyes'], 'eye')})."
                )
            if _surely(coverage) and coverage["value"] < 0:
                found.append(
                    f"{grouping} {name}: the prediction intervals hold {-coverage['value']:.0%} "
                    f"fewer eyes than elsewhere ({_count(group['n_eyes'], 'eye')})."
                )
    return found


def _surely(gap: Mapping[str, Any]) -> bool:
    return gap["p_adjusted"] is not None and gap["p_adjusted"] < GAP_FALSE_DISCOVERY


def _count(n: int, noun: str) -> str:
    """`1 eye`, `2 eyes`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
