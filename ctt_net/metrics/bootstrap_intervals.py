"""Ends of a figure's interval from its resamples: percentiles, and what covers better for some.

Percentiles are short where a figure's draws are skewed: for shares near 1, for areas under a curve,
and for the slope of a logistic regression (docs/reference/metrics.md has the measured coverage).
These take Student's interval around the value itself, with the standard error of the draws,
shares and areas on the scale of log odds (DiCiccio and Efron 1996, doi 10.1214/ss/1032280214,
on such scales; for
areas Kottas, Kuss and Zapf 2014, doi 10.1186/1471-2288-14-26).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri, stdtrit

Ends = list[float | None]

# An interval from a few lucky resamples would look narrower than it is.
DEFINED_SHARE = 0.9

# Between 0 and 1, as the last word of a path.
SHARES = frozenset(
    (
        *("auroc", "auprc", "sensitivity", "specificity", "precision", "npv", "coverage"),
        *("within_0.1", "within_0.2", "within_0.3", "within_0.2_reported", "within_0.2_abstained"),
        *("abstention_rate", "rate"),
    )
)

# Beneath them stand outcomes, whose names people choose.
_DIFFERENCES = frozenset(("mae_difference", "auroc_difference"))

# Shares of all eyes; others are of those that recovered, of a group, ...
_OF_ALL_EYES = frozenset(("regression", "baselines", "oracle", "reader"))

# Of a normal variable, this share lies within one standard deviation.
_ONE_SD = float(2 * ndtr(1.0) - 1)


def interval_ends(
    path: tuple[str, ...],
    draws: NDArray[np.float64],
    level: float,
    n_patients: int,
    n_measured: int | None = None,
) -> Ends:
    """Ends of the interval of one figure.

    Args:
        path: Where it stands in `metrics.json`; its name decides how.
        draws: (1 + resamples,), first the value itself.
        level: Confidence level, 0..1.
        n_patients: Patients that were resampled.
        n_measured: Patients that the figure is of, where the path does not say.

    Returns:
        Lower and upper end, None where the figure is undefined, was in too many resamples, or there
        is but one patient: every resample is then the same.
    """
    value, drawn = float(draws[0]), draws[1:]
    if not np.isfinite(value) or n_patients < 2:
        return [None, None]
    if not _DIFFERENCES.intersection(path):
        if path[-1:] and path[-1] in SHARES:
            if path[0] in _OF_ALL_EYES or path == ("interval", "coverage"):
                n_measured = n_patients
            if n_measured and value in (0, 1) and len(drawn) > 1:
                return list(wilson_interval(value, n_measured, level))
            return share_interval(value, drawn, level, n_patients)
        if path[-1:] == ("slope",) and "loa" not in path:
            return symmetric_interval(value, drawn, level, n_patients)
    return percentile_interval(drawn, expanded_level(level, n_patients))


def percentile_interval(draws: NDArray[np.float64], level: float) -> Ends:
    """Percentile interval, or two None where too many resamples leave the figure undefined."""
    defined = _defined(draws)
    if defined is None:
        return [None, None]
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return [plain_float(low), plain_float(high)]


def share_interval(value: float, draws: NDArray[np.float64], level: float, n_patients: int) -> Ends:
    """Student's interval on the scale of log odds, which does not leave 0..1.

    The standard error goes from the share to its log odds by the delta method, as programs for
    surveys do it (method `xlogit` of R's `survey`): draws of exactly 1 have no log odds. A value of
    exactly 0 or 1 has none either, and no resample differs: two None; see `wilson_interval`.
    """
    defined = _defined(draws)
    if defined is None or not 0 < value < 1:
        return [None, None]
    error = defined.std(ddof=1) / (value * (1 - value))
    reach = student_quantile(level, n_patients) * error
    return [float(expit(logit(value) - reach)), float(expit(logit(value) + reach))]


def wilson_interval(value: float, n: int, level: float) -> list[float]:
    """Wilson's interval of a share, which has a width where every eye was a hit, too.

    Args:
        value: The share.
        n: Patients that it is of; fellow eyes count once, which is wide rather than narrow.
        level: Confidence level, 0..1.

    Example:
        >>> [round(end, 3) for end in wilson_interval(1.0, 18, 0.95)]
        [0.824, 1.0]
    """
    z2 = ndtri((1 + level) / 2) ** 2
    middle = (value + z2 / (2 * n)) / (1 + z2 / n)
    reach = np.sqrt(z2 * (value * (1 - value) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return [max(float(middle - reach), 0.0), min(float(middle + reach), 1.0)]


def newcombe_interval(
    one: tuple[float, int], other: tuple[float, int], level: float
) -> list[float]:
    """Newcombe's hybrid score interval of a difference of shares, from two of Wilson's.

    Newcombe 1998, doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10.

    Args:
        one: Share and patients.
        other: Those of what is subtracted.
        level: Confidence level, 0..1.
    """
    (a, n), (b, m) = one, other
    (a_low, a_high), (b_low, b_high) = wilson_interval(a, n, level), wilson_interval(b, m, level)
    down, up = np.hypot(a - a_low, b_high - b), np.hypot(a_high - a, b - b_low)
    return [float(a - b - down), float(a - b + up)]


def symmetric_interval(
    value: float, draws: NDArray[np.float64], level: float, n_patients: int
) -> Ends:
    """Student's interval around the value, from half the width of the middle 68% of the draws.

    That is their standard deviation, were they normal; a few resamples in which the classes are
    nearly separated, and a slope nearly endless, do not blow it up.
    """
    low, high = percentile_interval(draws, _ONE_SD)
    if low is None or high is None:
        return [None, None]
    reach = student_quantile(level, n_patients) * (high - low) / 2
    return [plain_float(value - reach), plain_float(value + reach)]


def expanded_level(level: float, n_patients: int) -> float:
    """Level at which percentiles of the resamples cover as often as they should.

    Hesterberg 2015, doi 10.1080/00031305.2015.1089789, section 5.3, takes them further out.

    Example:
        >>> round(expanded_level(0.95, 20), 3), round(expanded_level(0.95, 100_000), 3)
        (0.968, 0.95)
    """
    return float(1 - 2 * ndtr(-student_quantile(level, n_patients)))


def student_quantile(level: float, n_patients: int) -> float:
    """How many standard deviations of the resamples an interval reaches to either side.

    Resampled patients spread less than patients by the root of (n - 1) / n, and a normal's
    quantiles are too near where Student's are due.
    """
    n = max(n_patients, 2)
    return float(np.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 + level) / 2))


def plain_float(value: float) -> float | None:
    """A Python float for JSON; None for NaN and infinities."""
    return float(value) if np.isfinite(value) else None


def _defined(draws: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The defined draws; None where they are too few."""
    defined = draws[np.isfinite(draws)]
    if len(defined) < 2 or len(defined) < DEFINED_SHARE * len(draws):
        return None
    return defined
