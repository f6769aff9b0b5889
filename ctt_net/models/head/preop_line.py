"""The line that the preoperative acuity alone would predict by, and what it leaves."""

from typing import NamedTuple

import torch
from torch import Tensor


class PreopLine(NamedTuple):
    """postop = slope * preop + intercept; the mean outcome where the preop is unknown."""

    slope: Tensor
    intercept: Tensor
    mean: Tensor
    residuals: Tensor


def fit_preop_line(preop_logmar: Tensor, postop_logmar: Tensor) -> PreopLine:
    """Fit by least squares; flat where there is no line to fit.

    Args:
        preop_logmar: (E,), NaN = unknown.
        postop_logmar: (E,).
    """
    mean = postop_logmar.mean()
    known = preop_logmar.isfinite()
    x, y = preop_logmar[known], postop_logmar[known]
    slope = torch.zeros(())
    if len(x) > 2 and x.var() > 0:
        slope = ((x - x.mean()) * (y - y.mean())).mean() / x.var(unbiased=False)
    intercept = y.mean() - slope * x.mean() if len(x) else mean
    fitted = torch.where(known, slope * preop_logmar.nan_to_num() + intercept, mean)
    return PreopLine(slope, intercept, mean, postop_logmar - fitted)


def softplus_inverse(value: Tensor) -> Tensor:
    """Where softplus gives `value`, which is positive."""
    return torch.log(torch.expm1(value))
