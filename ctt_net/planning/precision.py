"""How wide a 95% interval will be, and how many eyes make it as narrow as wanted.

Every function takes the number of independent eyes, that is eyes over the design effect.
"""

import math
from collections.abc import Callable

from scipy.stats import norm

from ctt_net.errors import InputError

Z95 = float(norm.ppf(0.975))

HalfWidth = Callable[[float], float]
"""Independent eyes to the half width of a 95% interval."""

# Beyond this nobody plans.
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
    low, high = 1, MOST_EYES
    if half_width(high / design_effect) > wanted:
        raise InputError(f"a half width of {wanted:g} takes more than {MOST_EYES:,} eyes")
    while low < high:
        middle = (low + high) // 2
        if half_width(middle / design_effect) <= wanted:
            high = middle
        else:
            low = middle + 1
    return low
