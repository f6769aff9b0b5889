"""Burnt-in marks or signal quality associated with the outcome: shortcuts for a network."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ctt_net.check.finding import Check, Finding
from ctt_net.check.scans.record import Scan, found_in
from ctt_net.check.tables.shortcuts import association, description, is_strong

OVERLAY = Check(
    "overlay-predicts-outcome",
    "Outcome differs by burnt-in mark",
    "a network can recognise whether a mark was there, even where it was filled, and predict from "
    "that",
    "export all scans alike, without text and marks",
)
BY_DEVICE = Check(
    "quality-by-device",
    "Signal quality by device",
    "devices whose scans differ in quality can be recognised by it",
    "report results by device",
)
WITH_OUTCOME = Check(
    "quality-follows-outcome",
    "Signal quality associated with the outcome",
    "a network may use the noise of a scan instead of the retina",
    "report results by quality, and rescan or leave out the poorest scans before the outcome is "
    "known",
)

_ENOUGH_PATIENTS = 30
# The whole interval must lie beyond this. Simulated scans of clean cohorts stay well inside.
_LEAST_CORRELATION = 0.3
_RESAMPLES, _LEVEL, _SEED = 500, 0.95, 0


def overlay_findings(scans: list[Scan], table: pd.DataFrame) -> list[Finding]:
    """Kinds of marks whose eyes have another outcome than the rest."""
    found = []
    for kind in sorted({kind for scan in scans for kind in scan.record.overlays}):
        marked = [scan for scan in scans if kind in scan.record.overlays]
        label = pd.Series("", index=table.index, dtype=object)
        label.iloc[sorted({scan.position for scan in scans})] = "without"
        label.iloc[sorted({scan.position for scan in marked})] = "with"
        link = association(label, table["postop_logmar"], table["patient_id"])
        if is_strong(link):
            what = f"a burnt-in {kind.replace('_', ' ')} ({len(marked)} of {len(scans)} scans)"
            found.append(found_in(marked, OVERLAY, "warning", description(what, link)))
    return found


def quality_findings(scans: list[Scan], table: pd.DataFrame) -> list[Finding]:
    """Medians by device as a note, and a warning where quality goes with the outcome."""
    if not scans:
        return []
    position = [scan.position for scan in scans]
    device = table["device"].to_numpy(str)[position] if "device" in table else ""
    facts = pd.DataFrame(
        {
            "position": position,
            "quality": [scan.record.quality for scan in scans],
            "device": device,
            # Where no device is given, the form of its exports stands for it.
            "export": [f"{scan.record.layout} {scan.record.shape}" for scan in scans],
        }
    )
    return _by_device(facts) + _with_outcome(facts, table)


def _by_device(facts: pd.DataFrame) -> list[Finding]:
    medians = facts[facts["device"] != ""].groupby("device")["quality"].median()
    if len(medians) < 2:
        return []
    named = ", ".join(f"{device} {median:.2f}" for device, median in medians.iloc[:8].items())
    return [BY_DEVICE.found("note", f"median signal quality: {named}", column="device")]


def _with_outcome(facts: pd.DataFrame, table: pd.DataFrame) -> list[Finding]:
    # Compared within device and export: else a device of other eyes would pass for quality.
    usual = facts.groupby(["device", "export"])["quality"].transform("median")
    score = (facts["quality"] - usual).groupby(facts["position"]).mean()
    eyes = table.iloc[score.index]
    known = eyes["postop_logmar"].notna().to_numpy()
    eyes, score = eyes[known], score[known]
    n_patients = eyes["patient_id"].nunique()
    if n_patients < _ENOUGH_PATIENTS:
        return []
    rho, low, high = rank_correlation(
        score.to_numpy(float), eyes["postop_logmar"].to_numpy(float), eyes["patient_id"]
    )
    if not (low > _LEAST_CORRELATION or high < -_LEAST_CORRELATION):
        return []
    message = (
        f"low signal quality goes with {'poor' if rho < 0 else 'good'} outcome: rank correlation "
        f"with the postoperative logMAR {rho:.2f} ({_LEVEL:.0%} CI {low:.2f} to {high:.2f}, "
        f"{n_patients} patients)"
    )
    return [WITH_OUTCOME.found("warning", message)]


def rank_correlation(
    left: np.ndarray, right: np.ndarray, patients: pd.Series
) -> tuple[float, float, float]:
    """Spearman's correlation with a bootstrap interval over patients (Poisson weights).

    Args:
        left: (N,) values.
        right: (N,) values.
        patients: (N,) the patient of each; drawn with all eyes together.

    Returns:
        Correlation, lower and upper end; zeros where one of both is constant.
    """
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return 0.0, 0.0, 0.0
    x, y = (ranks - ranks.mean() for ranks in (rankdata(left), rankdata(right)))
    codes = pd.factorize(patients)[0]
    # All a correlation needs, summed by patient: a resample is then one weighted sum.
    terms = np.stack([np.bincount(codes, t) for t in (np.ones_like(x), x, y, x * x, y * y, x * y)])
    rng = np.random.default_rng(_SEED)
    drawn = _correlation(terms @ rng.poisson(1.0, (terms.shape[1], _RESAMPLES)))
    low, high = np.nanquantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(_correlation(terms.sum(axis=1))), float(low), float(high)


def _correlation(sums: np.ndarray) -> np.ndarray:
    n, x, y, xx, yy, xy = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        return (xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n))
