"""Likelihood of an outcome that is known within bounds only: the mass between them."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

_LOG_HALF = math.log(0.5)


def log1mexp(x: Tensor) -> Tensor:
    """log(1 - exp(x)) of x <= 0, without cancellation (Maechler 2012, R package Rmpfr).

    At 0 it is that of the closest number a float can tell from it, so that gradients are finite.
    """
    x = x.clamp(max=-torch.finfo(x.dtype).eps)
    # Each branch sees only what is safe for it: the gradient of the other one would be NaN.
    near = torch.log(-torch.expm1(x.clamp(min=_LOG_HALF)))
    far = torch.log1p(-torch.exp(x.clamp(max=_LOG_HALF)))
    return torch.where(x > _LOG_HALF, near, far)


def laplace_log_cdf(z: Tensor) -> Tensor:
    """Log of the distribution function of the standard Laplace distribution."""
    right = torch.log1p(-0.5 * torch.exp(-z.clamp(min=0.0)))
    return torch.where(z < 0, z.clamp(max=0.0) + _LOG_HALF, right)


def log_mass(log_cdf: Callable[[Tensor], Tensor], lower: Tensor, upper: Tensor) -> Tensor:
    """Log of the probability between two bounds of a distribution symmetric around 0: (B,).

    Args:
        log_cdf: Log of its distribution function, exact far out on the left.
        lower: (B,), -inf = open.
        upper: (B,) above `lower`, inf = open.
    """
    # On the left of 0, where the distribution function keeps its digits.
    mirrored = lower + upper > 0
    low, high = torch.where(mirrored, -upper, lower), torch.where(mirrored, -lower, upper)
    below, up_to = _open(log_cdf, low), _open(log_cdf, high)
    return up_to + log1mexp(below - up_to)


def _open(log_cdf: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """The same at an infinite bound: 0 or none of the mass, without any gradient."""
    value = log_cdf(torch.where(at.isfinite(), at, 0.0))
    return torch.where(at.isfinite(), value, torch.where(at > 0, 0.0, -torch.inf))
