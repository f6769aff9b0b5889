"""The contract of a fusion: tokens of several views and an acuity in, one token per eye out."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Fusion(nn.Module, ABC):
    """Joins the views of an eye, any number of them, any of them missing.

    A member must not let an absent view or an unknown acuity influence its output, and must give
    a finite one even if everything is absent. Covariate tokens are always there: an unknown
    covariate has a token that says so.

    Args:
        dim: Width D of the tokens that come in and of the token that goes out.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        if dim < 1:
            raise ValueError(f"dim must be positive, got {dim}")
        self.dim = dim

    @abstractmethod
    def forward(
        self,
        tokens: Tensor,
        view_present: Tensor,
        preop_logmar: Tensor,
        preop_known: Tensor,
        covariate_tokens: Tensor | None = None,
    ) -> Tensor:
        """Fuse.

        Args:
            tokens: (B, V, T, D), finite also where a view is absent.
            view_present: (B, V) bool.
            preop_logmar: (B,) finite.
            preop_known: (B,) bool.
            covariate_tokens: (B, F, D), or None where the network takes no covariates.

        Returns:
            (B, D).
        """


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
