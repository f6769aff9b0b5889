"""`selective` of metrics.json: what it is worth to answer only where the model is confident."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.integrate import trapezoid

from ctt_net.cohort.predictions import has_flag
from ctt_net.metrics.bootstrap import interval_key
from ctt_net.metrics.bootstrap_intervals import (
    expanded_level,
    percentile_interval,
    plain_float,
    share_interval,
)
from ctt_net.metrics.regression import ROUNDING_LOGMAR
from ctt_net.metrics.selective_draws import SelectiveDraws
from ctt_net.metrics.selective_ranking import (
    area_under_risk,
    ceiling_draws,
    rank_correlations,
    risk_at,
)
from ctt_net.metrics.selective_sums import Numbers
from ctt_net.metrics.selective_usable import (
    FEWEST_EYES,
    PARTS,
    most_confident,
    prefix_bounds,
    region,
)

RESAMPLES = 1000
HEADLINE = 0.9  # of the eyes within HIT_LOGMAR
HIT_LOGMAR = 0.2  # two lines
HIT_RATES = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
ERRORS_LOGMAR = tuple(round(0.05 + 0.025 * i, 3) for i in range(11))
COVERAGES = tuple(round(0.05 * i, 2) for i in range(1, 21))

# Blocks of like confidence, and a coarser table for the correlations: finer ones change no digit
# that is printed, and the values beside the intervals come from the eyes themselves.
_BLOCKS = 250
_TABLE = 50
_CEILING_CELLS = 10_000_000

# Flags that say why an eye is not answered, with `abstain` beside them, and their words.
REASONS = {
    "no_view": "no scan",
    "unusable_scan": "a scan that is no upright B-scan",
    "other_view": "a scan whose mark names another view",
    "other_eye": "a scan whose mark names the other eye",
    "low_quality": "poor scans",
    "no_preop_va": "acuity before surgery unknown",
    "off_chart_preop": "acuity before surgery off the chart",
    "wide_interval": "the model too unsure of itself",
    "out_of_distribution": "unlike the eyes of the training",
}

Figure = dict[str, Any]


def selective_figures(
    table: pd.DataFrame, *, bootstrap: int = RESAMPLES, level: float = 0.95, seed: int = 0
) -> dict[str, Any]:
    """How well a model's confidence tells good predictions from bad, and what abstaining is worth.

    Args:
        table: Checked predictions of eyes whose postoperative acuity is known.
        bootstrap: Fewer than 2 gives no intervals; the number of resamples is RESAMPLES otherwise.
        level: Confidence level of the intervals.
        seed: Of resamples, simulated errors and parts.

    Returns:
        Contents of `selective` (docs/abstention.md): figures as `{"value": x, "ci95": [lo, hi]}`,
        None where undefined. Without two eyes that have an interval only `n_eyes` and `abstention`.
    """
    lower, upper = (table[f"{end}_logmar"].to_numpy(np.float64) for end in ("lower", "upper"))
    error = np.abs(
        table["predicted_logmar"].to_numpy(np.float64) - table["postop_logmar"].to_numpy(np.float64)
    )
    # Rounded, or intervals of one width would differ in the digits that their ends lost.
    width = np.round(upper - lower, 9)
    given = np.isfinite(width)
    hit = (error <= HIT_LOGMAR + ROUNDING_LOGMAR).astype(np.float64)
    patients = table["patient_id"].to_numpy(str)
    of = SelectiveDraws(
        width,
        error,
        hit,
        has_flag(table, "abstain").to_numpy(),
        patients,
        blocks=_BLOCKS,
        table=_TABLE,
        resamples=RESAMPLES,
        seed=seed,
    )
    report = _Report(level, len(np.unique(patients)), bootstrap >= 2)
    n = int(given.sum())
    out: dict[str, Any] = {"n_eyes": n, "resamples": RESAMPLES}
    if n >= 2:
        out |= _ranking(width[given], error[given], of, report, seed)
        out["risk_coverage"] = _risk_coverage(width[given], of, report)
        out |= _usable(of, report)
    out["abstention"] = _abstention(table, of, report)
    return out


class _Report:
    """Values and resamples to figures."""

    def __init__(self, level: float, n_patients: int, intervals: bool) -> None:
        self.level, self.n_patients = level, n_patients
        self.key, self.intervals = interval_key(level), intervals

    def __call__(
        self,
        draws: Numbers,
        value: float | None = None,
        *,
        share: bool = False,
        simulated: bool = False,
    ) -> Figure:
        """A figure whose first draw is the eyes themselves.

        Args:
            draws: (1 + resamples,).
            value: The same to more digits; the interval is moved along.
            share: It is one, 0..1.
            simulated: Draws are not of resampled patients, whose spread is a little small.
        """
        shift = 0.0 if value is None else value - draws[0]
        interval: list[float | None] = [None, None]
        if np.isfinite(draws[0]) and self.intervals and share:
            interval = share_interval(float(draws[0]), draws[1:], self.level, self.n_patients)
        elif np.isfinite(draws[0]) and self.intervals:
            level = self.level if simulated else expanded_level(self.level, self.n_patients)
            interval = percentile_interval(draws[1:] + shift, level)
        return {"value": plain_float(draws[0] + shift), self.key: interval}


def _ranking(
    width: Numbers, error: Numbers, of: SelectiveDraws, report: _Report, seed: int
) -> dict[str, Any]:
    rho, tau = rank_correlations(-width, -error)
    draws = int(np.clip(_CEILING_CELLS // len(width), 100, RESAMPLES))
    ceiling = ceiling_draws(width, draws, seed)
    count, total = of.by_block("count"), of.by_block("error")
    ordered = [of.sums[name] for name in ("ordered_count", "ordered_error")]
    # As blocks of one eye each, in order: exact however many eyes a block of the draws holds.
    exact = area_under_risk(*_finest(width, error))[0], area_under_risk(*_finest(error, error))[0]
    return {
        "ccrc": report(of.sums["rho"], rho),
        "kendall_tau_b": report(of.sums["tau"], tau),
        "ccrc_ceiling": report(np.concatenate([[ceiling.mean()], ceiling]), simulated=True),
        "aurc": report(area_under_risk(count, total), exact[0]),
        "aurc_random": report(total.sum(axis=1) / count.sum(axis=1)),
        "aurc_oracle": report(area_under_risk(*ordered), exact[1]),
    }


def _finest(by: Numbers, error: Numbers) -> tuple[Numbers, Numbers]:
    """Count and summed error of each different value, ascending: (1, values)."""
    _, place, count = np.unique(by, return_inverse=True, return_counts=True)
    return count[None].astype(np.float64), np.bincount(place, error)[None].astype(np.float64)


def _risk_coverage(width: Numbers, of: SelectiveDraws, report: _Report) -> list[dict[str, Any]]:
    coverage = np.array(COVERAGES)
    count = of.by_block("count")
    mae, hit = (risk_at(count, of.by_block(name), coverage) for name in ("error", "hit"))
    best = risk_at(of.sums["ordered_count"][:1], of.sums["ordered_error"][:1], coverage)[0]
    n = len(width)
    limits = np.sort(width)[np.clip(np.ceil(coverage * n - 1e-9).astype(int), 1, n) - 1]
    return [
        {
            "coverage": share,
            "max_width_logmar": plain_float(limits[i]),
            "mae": report(mae[:, i]),
            "within_0.2": report(hit[:, i], share=True),
            "mae_oracle": plain_float(best[i]),
        }
        for i, share in enumerate(COVERAGES)
    ]


def _usable(of: SelectiveDraws, report: _Report) -> dict[str, Any]:
    count = most_confident(of.sums["count"])
    curves: dict[str, list[dict[str, Any]]] = {}
    areas: dict[str, Figure] = {}
    out: dict[str, Any] = {}
    for name, of_name, grid, high in (
        ("hit_rate", "hit", HIT_RATES, False),
        ("mae", "error", ERRORS_LOGMAR, True),
    ):
        sums = most_confident(of.sums[of_name])
        bounds = prefix_bounds(count, sums, high)
        found = [region(count, sums, bounds, requirement, high) for requirement in grid]
        curves[name] = [
            {"requirement": r, "share": report(one.share), "achieved": plain_float(one.achieved[0])}
            for r, one in zip(grid, found, strict=True)
        ]
        shares = np.stack([one.share for one in found])
        areas[name] = report(trapezoid(shares, grid, axis=0) / (grid[-1] - grid[0]))
        if name == "hit_rate":
            headline = found[HIT_RATES.index(HEADLINE)]
            out["ure"] = report(headline.share)
            out["ure_region"] = {
                "within_logmar": HIT_LOGMAR,
                "requirement": HEADLINE,
                "hit_rate": report(headline.achieved),
                "max_width_logmar": of.threshold(headline.blocks),
                "fewest_eyes": FEWEST_EYES,
                "parts": PARTS,
            }
    return {**out, "ure_curve": curves, "ure_area": areas}


def _abstention(table: pd.DataFrame, of: SelectiveDraws, report: _Report) -> dict[str, Any]:
    """Answered and abstained eyes, side by side."""
    eyes, error, hit = (of.sums[name] for name in ("eyes", "eyes_error", "eyes_hit"))
    with np.errstate(invalid="ignore", divide="ignore"):
        mae, within = error / eyes, hit / eyes
        rate = eyes[:, 1] / eyes.sum(axis=1)
    abstained = table[has_flag(table, "abstain")]
    return {
        "n_abstained": len(abstained),
        "rate": report(rate, share=True),
        "mae_answered": report(mae[:, 0]),
        "mae_abstained": report(mae[:, 1]),
        "mae_gap": report(mae[:, 1] - mae[:, 0]),
        "within_0.2_answered": report(within[:, 0], share=True),
        "within_0.2_abstained": report(within[:, 1], share=True),
        "flags": {flag: int(has_flag(abstained, flag).sum()) for flag in REASONS},
    }
