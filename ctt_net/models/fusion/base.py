"""The contract of a fusion: tokens of views, acuity and covariates in, one token per eye out."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn


class FusionInput(NamedTuple):
    """What a fusion takes of B eyes.

    Args:
        tokens: (B, V, T, D), finite also where a view is absent.
        view_present: (B, V) bool.
        preop_logmar: (B,) finite.
        preop_known: (B,) bool.
        covariate_tokens: (B, F, D), F may be 0; None where the network takes no covariates.
    """

    tokens: Tensor
    view_present: Tensor
    preop_logmar: Tensor
    preop_known: Tensor
    covariate_tokens: Tensor | None = None

    def plus_covariates(self, token: Tensor) -> Tensor:
        """A token of each eye, (B, D), plus the mean of its covariate tokens."""
        if self.covariate_tokens is None or self.covariate_tokens.shape[1] == 0:
            return token
        return token + self.covariate_tokens.mean(dim=1)


class Fusion(nn.Module, ABC):
    """Fuses the views of an eye, any number of them, any of them missing.

    A member must not let an absent view or an unknown acuity influence its output, and must give
    a finite one even if everything is absent. Covariate tokens are always there: an unknown
    covariate has a token that says so.

    Args:
        dim: Width D of the tokens that come in and of the token that goes out.
        num_views: Number of views that it has weights for; None = any number.

    Raises:
        ValueError: If one of them is not positive.
    """

    def __init__(self, dim: int, num_views: int | None = None) -> None:
        super().__init__()
        for name, number in (("dim", dim), ("num_views", num_views)):
            if number is not None and number < 1:
                raise ValueError(f"{name} must be positive, got {number}")
        self.dim = dim
        self.num_views = num_views

    @abstractmethod
    def forward(self, eyes: FusionInput) -> Tensor:
        """Fuse B eyes.

        Returns:
            (B, D).
        """

    def check_views(self, num_views: int) -> None:
        """Check that it suits a network of so many views.

        Raises:
            ValueError: If it cannot.
        """
        if self.num_views not in (None, num_views):
            raise ValueError(
                f"fusion.num_views is {self.num_views} and there are {num_views} views; "
                f"set fusion.init_args.num_views to {num_views}"
            )

    def used_views(self, view_present: Tensor) -> Tensor:
        """Which of the present views it uses: (B, V) -> (B, V); all by default."""
        return view_present


def mean_over_present(values: Tensor, view_present: Tensor) -> Tensor:
    """Mean over the views that are there; zero where none is.

    Args:
        values: (B, V, D).
        view_present: (B, V) bool.

    Returns:
        (B, D).
    """
    weight = view_present[..., None].to(values.dtype)
    total = torch.where(view_present[..., None], values, 0.0).sum(dim=1)
    return total / weight.sum(dim=1).clamp(min=1.0)
