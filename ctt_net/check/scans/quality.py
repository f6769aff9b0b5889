"""Signal quality: by device, and whether it goes with the outcome."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ctt_net.check.finding import Check, Finding
from ctt_net.check.scans.reading import Scan

BY_DEVICE = Check(
    "quality-by-device",
    "devices whose scans differ in quality are told apart by it",
    "report results by device",
)
WITH_OUTCOME = Check(
    "quality-follows-outcome",
    "a network may read the noise of a scan in place of the retina",
    "report results by quality, and rescan or leave out the poorest scans before looking at the "
    "outcome",
)

_ENOUGH_PATIENTS = 30
# The whole interval must lie beyond this. Simulated scans of clean cohorts stay well inside.
_FLOOR = 0.3
_RESAMPLES, _LEVEL, _SEED = 500, 0.95, 0
_CHUNK = 4096


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
            # Where no device is told, the look of its exports tells it.
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
    # Else a device of other eyes would look like an effect of quality.
    usual = facts.groupby(["device", "export"])["quality"].transform("median")
    score = (facts["quality"] - usual).groupby(facts["position"]).mean()
    eyes = table.iloc[score.index]
    known = eyes["postop_logmar"].notna().to_numpy()
    eyes, score = eyes[known], score[known]
    patients = eyes["patient_id"]
    if patients.nunique() < _ENOUGH_PATIENTS:
        return []
    rho, low, high = rank_correlation(
        score.to_numpy(float), eyes["postop_logmar"].to_numpy(float), patients
    )
    if not (low > _FLOOR or high < -_FLOOR):
        return []
    side = "poor" if rho < 0 else "good"
    message = (
        f"low signal quality goes with {side} outcome: rank correlation with the postoperative "
        f"logMAR {rho:.2f} ({_LEVEL:.0%} CI {low:.2f} to {high:.2f}, {patients.nunique()} patients)"
    )
    return [WITH_OUTCOME.found("warning", message)]


def rank_correlation(
    left: np.ndarray, right: np.ndarray, patients: pd.Series
) -> tuple[float, float, float]:
    """Spearman's correlation with a bootstrap interval over patients.

    Args:
        left: (N,) values.
        right: (N,) values.
        patients: (N,) the patient of each; drawn with all eyes together.

    Returns:
        Correlation, lower and upper end; zeros where a side is constant.
    """
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return 0.0, 0.0, 0.0
    x, y = rankdata(left), rankdata(right)
    x, y = x - x.mean(), y - y.mean()
    codes = pd.factorize(patients)[0]
    # All a correlation needs, summed by patient: a resample is then one weighted sum.
    terms = np.stack([np.bincount(codes, t) for t in (np.ones_like(x), x, y, x * x, y * y, x * y)])
    rng = np.random.default_rng(_SEED)
    n = terms.shape[1]
    sums = np.zeros((6, _RESAMPLES))
    for start in range(0, n, _CHUNK):  # Poisson weights: the bootstrap of a long table in pieces
        part = terms[:, start : start + _CHUNK]
        sums += part @ rng.poisson(1.0, (part.shape[1], _RESAMPLES))
    drawn = _correlation(sums)
    low, high = np.nanquantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(_correlation(terms.sum(axis=1))), float(low), float(high)


def _correlation(sums: np.ndarray) -> np.ndarray:
    n, x, y, xx, yy, xy = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        return (xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n))
