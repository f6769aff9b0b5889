"""Sample size for a prediction model with a continuous outcome: development and validation.

Development: Riley and others 2019, Statistics in Medicine 38:1262, doi 10.1002/sim.7993. It is for
regressions with a known number of parameters, such as the covariates baseline; there is no such
formula for a network that reads scans, and a learning curve takes its place.
Validation: Archer and others 2021, Statistics in Medicine 40:133, doi 10.1002/sim.8766.
"""

import math

from scipy.stats import chi2
from scipy.stats import t as student

from ctt_net.errors import InputError
from ctt_net.planning.precision import Z95, fewest

SHRINKAGE = 0.9
R2_OPTIMISM = 0.05
RESIDUAL_MARGIN = 1.1

# One letter of an ETDRS chart, the smallest step in which an acuity is scored. The source asks for
# a tenth of the mean outcome, which logMAR has not: 0 is normal sight.
MEAN_MARGIN_LOGMAR = 0.02

# Half widths that Archer and others aim at for R2 (0.05) and the calibration slope (0.1).
R2_HALF_WIDTH = 0.05
SLOPE_HALF_WIDTH = 0.1


def development_sizes(
    parameters: int, r2: float, sd_outcome: float, mean_margin: float = MEAN_MARGIN_LOGMAR
) -> dict[str, int]:
    """Fewest independent subjects by each criterion; the largest counts.

    Args:
        parameters: Regression coefficients besides the intercept.
        r2: Adjusted R2 that is expected; a cautious one, since a smaller one needs more.
        sd_outcome: SD of the outcome.
        mean_margin: Half width wanted for the mean outcome, in the outcome's unit.

    Returns:
        `shrinkage` at least 0.9 (Copas 1983), `r2_optimism` at most 0.05, `residual_sd` known to
        10%, `mean` known to the margin, and `needed`, the largest. The mean's is never below the
        largest of the others, as in the source.

    Raises:
        InputError: If a value is impossible.
    """
    if parameters < 1:
        raise InputError(f"parameters must be 1 or more, got {parameters}")
    _check_values(r2, sd_outcome)
    if not mean_margin > 0:
        raise InputError(f"the margin of the mean must be above 0, got {mean_margin:g}")
    sizes = {
        "shrinkage": fewest(lambda n: _shrinkage(n, parameters, r2) >= SHRINKAGE, parameters + 2),
        "r2_optimism": math.ceil(1 + parameters * (1 - r2) / R2_OPTIMISM),
        "residual_sd": parameters + 1 + _residual_freedom(),
    }

    def mean_is_known(n: int) -> bool:
        quantile = float(student.ppf(0.975, n - parameters - 1))
        return quantile * sd_outcome * math.sqrt((1 - r2) / n) <= mean_margin

    sizes["mean"] = fewest(mean_is_known, max(sizes.values()))
    return {**sizes, "needed": max(sizes.values())}


def validation_sizes(
    r2: float, sd_outcome: float, bias_half_width: float = MEAN_MARGIN_LOGMAR
) -> dict[str, int]:
    """Fewest independent subjects to test a model that is well calibrated; the largest counts.

    Args:
        r2: Expected there.
        sd_outcome: SD of the outcome there.
        bias_half_width: Of the 95% interval of the bias (calibration in the large), outcome's unit.

    Returns:
        `r2`, `bias`, `calibration_slope`, `residual_sd` known to 10%, and `needed`.

    Raises:
        InputError: If a value is impossible.
    """
    _check_values(r2, sd_outcome)
    if bias_half_width <= 0:
        raise InputError("the wanted half width must be above 0")
    unexplained = 1 - r2
    sizes = {
        "r2": math.ceil(4 * r2 * unexplained**2 * (Z95 / R2_HALF_WIDTH) ** 2),
        "bias": math.ceil(sd_outcome**2 * unexplained * (Z95 / bias_half_width) ** 2),
        "calibration_slope": math.ceil(1 + unexplained / r2 * (Z95 / SLOPE_HALF_WIDTH) ** 2),
        # One parameter is estimated for the bias, two for the calibration line: the latter counts.
        "residual_sd": 2 + _residual_freedom(),
    }
    return {**sizes, "needed": max(sizes.values())}


def _check_values(r2: float, sd_outcome: float) -> None:
    if not 0 < r2 < 1:
        raise InputError(f"an expected R2 must lie between 0 and 1, got {r2:g}")
    if not (math.isfinite(sd_outcome) and sd_outcome > 0):
        raise InputError(f"the SD of the outcome must be above 0, got {sd_outcome:g}")


def _shrinkage(n: int, parameters: int, r2: float) -> float:
    """Expected global shrinkage factor, from the apparent R2 that belongs to the adjusted one."""
    apparent = (r2 * (n - parameters - 1) + parameters) / (n - 1)
    if apparent >= 1:
        return -math.inf
    return 1 + (parameters - 2) / (n * math.log(1 - apparent))


def _residual_freedom() -> int:
    """Fewest degrees of freedom whose 95% interval of the residual SD stays within the margin."""

    def known(freedom: int) -> bool:
        upper = freedom / float(chi2.ppf(0.025, freedom))
        lower = float(chi2.ppf(0.975, freedom)) / freedom
        return math.sqrt(max(upper, lower)) <= RESIDUAL_MARGIN

    return fewest(known, 2)
