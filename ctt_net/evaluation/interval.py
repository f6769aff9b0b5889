"""Whether prediction intervals hold what they promise, overall and by band of preop acuity."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctt_net.acuity import BANDS, preop_band
from ctt_net.evaluation.bootstrap import Weights
from ctt_net.evaluation.eyes import EvaluatedEyes
from ctt_net.evaluation.predictions import has_flag

Path = tuple[str, ...]


def interval_figures(eyes: EvaluatedEyes, weights: Weights) -> dict[Path, NDArray[np.float64]]:
    """Coverage and mean width per resample, over the eyes that have an interval.

    Args:
        eyes: With truth.
        weights: (resamples, eyes).

    Returns:
        `coverage` and `mean_width`, and both under `by_band` and its name for each band that is
        there, each (resamples,), NaN where undefined.
    """
    return figures_of_totals(eyes, weights @ interval_columns(eyes))


def interval_columns(eyes: EvaluatedEyes) -> NDArray[np.float64]:
    """What is summed over eyes: (eyes, 3 * groups), all eyes being the first group."""
    lower = eyes.table["lower_logmar"].to_numpy(np.float64)
    upper = eyes.table["upper_logmar"].to_numpy(np.float64)
    given, bands = np.isfinite(lower), _bands(eyes)
    inside = (eyes.truth >= lower) & (eyes.truth <= upper)
    width = np.where(given, upper - lower, 0.0)
    groups = np.stack([given, *(given & (bands == name) for name in _names(bands))], axis=1)
    return np.concatenate([groups, groups * inside[:, None], groups * width[:, None]], axis=1)


def figures_of_totals(
    eyes: EvaluatedEyes, totals: NDArray[np.float64]
) -> dict[Path, NDArray[np.float64]]:
    """Figures of `interval_figures` from totals of `interval_columns`: (resamples, 3 * groups)."""
    places: list[Path] = [(), *(("by_band", name) for name in _names(_bands(eyes)))]
    count, held, widths = np.split(totals, 3, axis=1)
    figures: dict[Path, NDArray[np.float64]] = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        for g, place in enumerate(places):
            figures |= {
                (*place, "coverage"): held[:, g] / count[:, g],
                (*place, "mean_width"): widths[:, g] / count[:, g],
            }
    return figures


def band_counts(eyes: EvaluatedEyes) -> dict[str, dict[str, Any]]:
    """Eyes and patients with an interval in each band that is there, in the bands' order."""
    given = np.isfinite(eyes.table["lower_logmar"].to_numpy(np.float64))
    bands, patients = _bands(eyes), eyes.table["patient_id"]
    return {
        name: {
            "n_eyes": int((given & (bands == name)).sum()),
            "n_patients": int(patients[given & (bands == name)].nunique()),
        }
        for name in _names(bands)
    }


def _bands(eyes: EvaluatedEyes) -> NDArray[np.str_]:
    return preop_band(eyes.preop, has_flag(eyes.table, "off_chart_preop").to_numpy(bool))


def _names(bands: NDArray[np.str_]) -> list[str]:
    return [name for name in BANDS if (bands == name).any()]
