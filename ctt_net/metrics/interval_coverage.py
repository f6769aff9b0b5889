"""Whether prediction intervals hold what they promise, overall and by band of preop acuity."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.acuity import BANDS, preop_band
from ctt_net.cohort.predictions import has_flag
from ctt_net.metrics.bootstrap import Weights, interval_key
from ctt_net.metrics.bootstrap_intervals import with_width
from ctt_net.metrics.eyes import EvaluatedEyes
from ctt_net.metrics.subgroups import suppressed_groups

Path = tuple[str, ...]


def interval_figures(eyes: EvaluatedEyes, weights: Weights) -> dict[Path, NDArray[np.float64]]:
    """Coverage and mean width per resample, over the eyes that have an interval.

    Args:
        eyes: With truth.
        weights: (resamples, eyes).

    Returns:
        `coverage` and `mean_width`, and both under `by_band` and its name for each band that may
        be told, each (resamples,), NaN where undefined.
    """
    return figures_of_totals(eyes, weights @ interval_columns(eyes))


def interval_columns(eyes: EvaluatedEyes) -> NDArray[np.float64]:
    """What is summed over eyes: (eyes, 3 * groups), all eyes being the first group."""
    lower = eyes.table["lower_logmar"].to_numpy(np.float64)
    upper = eyes.table["upper_logmar"].to_numpy(np.float64)
    given, bands = np.isfinite(lower), _bands(eyes)
    inside = (eyes.truth >= lower) & (eyes.truth <= upper)
    width = np.where(given, upper - lower, 0.0)
    groups = np.stack([given, *(given & (bands == name) for name in _told(eyes))], axis=1)
    return np.concatenate([groups, groups * inside[:, None], groups * width[:, None]], axis=1)


def figures_of_totals(
    eyes: EvaluatedEyes, totals: NDArray[np.float64]
) -> dict[Path, NDArray[np.float64]]:
    """Figures of `interval_figures` from totals of `interval_columns`: (resamples, 3 * groups)."""
    places: list[Path] = [(), *(("by_band", name) for name in _told(eyes))]
    count, held, widths = np.split(totals, 3, axis=1)
    figures: dict[Path, NDArray[np.float64]] = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        for g, place in enumerate(places):
            figures |= {
                (*place, "coverage"): held[:, g] / count[:, g],
                (*place, "mean_width"): widths[:, g] / count[:, g],
            }
    return figures


def with_counts(
    figures: Mapping[str, Mapping[str, Any]], eyes: EvaluatedEyes, level: float
) -> dict[str, dict[str, Any]]:
    """`interval.by_band`: each band that is there, in the bands' order.

    Args:
        figures: Of the bands that may be told.
        eyes: Whose they are.
        level: Confidence level of the intervals.

    Returns:
        Eyes and patients with an interval beside the figures; of a band of fewer than ten eyes, as
        of every such subgroup, only `n_eyes` and that it is `suppressed`.
    """
    given = np.isfinite(eyes.table["lower_logmar"].to_numpy(np.float64))
    bands, patients = _bands(eyes), eyes.table["patient_id"]
    out: dict[str, dict[str, Any]] = {}
    for name, n in _counts(eyes).items():
        out[str(name)] = {"n_eyes": int(n), "suppressed": True}
        if name in _told(eyes):
            n_patients = int(patients[given & (bands == name)].nunique())
            coverage = with_width(
                figures[str(name)]["coverage"], interval_key(level), n_patients, level
            )
            counts = {"n_eyes": int(n), "n_patients": n_patients}
            out[str(name)] = {**figures[str(name)], "coverage": coverage, **counts}
    return out


def _bands(eyes: EvaluatedEyes) -> NDArray[np.str_]:
    return preop_band(eyes.preop, has_flag(eyes.table, "off_chart_preop").to_numpy(bool))


def _counts(eyes: EvaluatedEyes) -> pd.Series:
    """Eyes with an interval in each band that is there."""
    given = np.isfinite(eyes.table["lower_logmar"].to_numpy(np.float64))
    bands = _bands(eyes)
    counts = {n: int((given & (bands == n)).sum()) for n in BANDS if (bands == n).any()}
    return pd.Series(counts, dtype=int)


def _told(eyes: EvaluatedEyes) -> list[str]:
    """Bands whose figures tell of no few eyes, by themselves or with what they leave."""
    counts = _counts(eyes)
    hidden = suppressed_groups(counts[counts > 0])
    return [str(name) for name in counts.index if name not in hidden]
