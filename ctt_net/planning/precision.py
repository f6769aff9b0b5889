"""Half widths of 95% intervals, eyes needed for a wanted one, and the design effect of fellow eyes.

Every function takes the number of independent eyes, that is eyes over the design effect.
"""

import math
from bisect import bisect_left
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from ctt_net.errors import InputError

Z95 = float(norm.ppf(0.975))

HalfWidth = Callable[[float], float]
"""Independent eyes to the half width of a 95% interval."""

# An upper limit for any plan.
MOST_EYES = 10_000_000


def mean_half_width(sd: float) -> HalfWidth:
    """Of a mean: 1.96 SD / sqrt(n). For MAE the SD of |error|, for bias that of the error.

    Args:
        sd: Standard deviation between eyes.

    Raises:
        InputError: If it is not above 0.

    Example:
        >>> round(mean_half_width(0.13)(410), 3)
        0.013
    """
    if not (math.isfinite(sd) and sd > 0):
        raise InputError(f"a standard deviation must be above 0, got {sd:g}")
    return lambda n: Z95 * sd / math.sqrt(n)


def share_half_width(share: float) -> HalfWidth:
    """Of a share of eyes, such as a coverage: half of Wilson's interval (1927).

    Args:
        share: Expected, above 0 and below 1.

    Raises:
        InputError: If it is not.
    """
    if not 0 < share < 1:
        raise InputError(f"a share must lie between 0 and 1, got {share:g}")

    def half(n: float) -> float:
        spread = share * (1 - share) / n + (Z95 / (2 * n)) ** 2
        return Z95 * math.sqrt(spread) / (1 + Z95**2 / n)

    return half


def auroc_half_width(auroc: float, share_recovered: float) -> HalfWidth:
    """Of an AUROC, by Hanley and McNeil 1982, doi 10.1148/radiology.143.1.7063747.

    Args:
        auroc: Expected, 0.5 or more and below 1.
        share_recovered: Share of eyes with the outcome.

    Raises:
        InputError: If a value is impossible.
    """
    if not 0.5 <= auroc < 1:
        raise InputError(f"an expected AUROC must lie in 0.5..1, below 1, got {auroc:g}")
    if not 0 < share_recovered < 1:
        raise InputError(f"a share must lie between 0 and 1, got {share_recovered:g}")
    both_higher, both_lower = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)

    def half(n: float) -> float:
        with_it, without = n * share_recovered, n * (1 - share_recovered)
        variance = auroc * (1 - auroc)
        variance += max(with_it - 1, 0) * (both_higher - auroc**2)
        variance += max(without - 1, 0) * (both_lower - auroc**2)
        return Z95 * math.sqrt(variance / (with_it * without))

    return half


def eyes_needed(half_width: HalfWidth, wanted: float, design_effect: float = 1.0) -> int:
    """Fewest eyes whose interval is at most as wide as wanted.

    Args:
        half_width: Of the figure.
        wanted: Half width, in the figure's unit.
        design_effect: Of fellow eyes.

    Raises:
        InputError: If it takes more than anybody has.
    """
    if not wanted > 0:
        raise InputError(f"a wanted half width must be above 0, got {wanted:g}")
    return fewest(lambda n: half_width(n / design_effect) <= wanted, 1)


def fewest(enough: Callable[[int], bool], low: int) -> int:
    """Smallest number from `low` on that is enough, of a condition that stays true.

    Raises:
        InputError: If it is more than anybody has.
    """
    if not enough(MOST_EYES):
        raise InputError(f"this takes more than {MOST_EYES:,} eyes; expect less precision")
    return low + bisect_left(range(low, MOST_EYES), True, key=enough)


# Fewer pairs of fellow eyes give no estimate of their correlation.
FEWEST_PAIRS = 10

# Where it is unknown, two eyes of a patient are counted as one.
CAUTIOUS_CORRELATION = 1.0


def design_effect(eyes_per_patient: float, correlation: float) -> float:
    """By how much the variance of a mean over eyes exceeds that over as many patients.

    Kish 1965: 1 + (sum m(m-1) / n) r for n eyes in clusters of m. With one or two eyes of a patient
    the sum over n is the share of eyes whose fellow eye is there too, 2 (1 - 1 / eyes_per_patient).

    Args:
        eyes_per_patient: Mean, from 1 to 2.
        correlation: Of the averaged figure between fellow eyes.

    Returns:
        1 for one eye each; 1 + correlation where everybody has two.

    Raises:
        InputError: If a value is impossible.

    Example:
        >>> design_effect(2.0, 0.5)
        1.5
    """
    if not 1 <= eyes_per_patient <= 2:
        raise InputError(f"eyes per patient must lie in 1..2, got {eyes_per_patient:g}")
    if not 0 <= correlation <= 1:
        raise InputError(f"a correlation of fellow eyes must lie in 0..1, got {correlation:g}")
    return 1 + 2 * (1 - 1 / eyes_per_patient) * correlation


def fellow_correlation(values: NDArray[np.float64], patients: pd.Series) -> float | None:
    """Intraclass correlation of a figure between the two eyes of a patient.

    Fisher's: products of both eyes' deviations from the mean of all, over the variance of all.

    Args:
        values: (eyes,).
        patients: Patient of each eye.

    Returns:
        At least 0, since a chance negative one would promise more than independent eyes; None with
        fewer than `FEWEST_PAIRS` patients with two eyes, or a figure that is the same everywhere.
    """
    centred = pd.Series(values - values.mean()).groupby(patients.to_numpy(), sort=False)
    size = centred.transform("size").to_numpy()
    pairs = int((size == 2).sum()) // 2
    variance = float(np.var(values))
    if pairs < FEWEST_PAIRS or variance == 0:
        return None
    products = centred.prod()[centred.size() == 2]
    return float(np.clip(products.mean() / variance, 0.0, 1.0))
