"""Late fusion: the mean of all views, each looked at for itself, beside the acuity."""

import torch
from torch import Tensor, nn

from ctt_net.models.acuity_token import AcuityUnit, acuity_or_learned
from ctt_net.models.fusion.base import Fusion, beside_covariates, mean_over_present


class MeanFusion(Fusion):
    """Looks at each token, averages over the views that are there and mixes in the acuity.

    The rival to beat. Without the nonlinearity before the mean, the view embedding of a token would
    be the same constant for every eye and views could not be told apart.

    Args:
        dim: Width of the tokens.
        dropout: After each layer.
        acuity_token: False leaves the acuity out.
        acuity_unit: What the acuity token sees.
    """

    def __init__(
        self,
        dim: int = 64,
        dropout: float = 0.0,
        acuity_token: bool = True,
        acuity_unit: AcuityUnit = "logmar",
    ) -> None:
        super().__init__(dim)
        self.acuity = acuity_or_learned(dim, acuity_token, acuity_unit)
        self.look = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, dim), nn.GELU(), nn.Dropout(dropout)
        )
        self.mix = nn.Sequential(
            nn.LayerNorm(2 * dim), nn.Linear(2 * dim, dim), nn.GELU(), nn.Dropout(dropout)
        )

    def forward(
        self,
        tokens: Tensor,
        view_present: Tensor,
        preop_logmar: Tensor,
        preop_known: Tensor,
        covariate_tokens: Tensor | None = None,
    ) -> Tensor:
        """Fuse; see `Fusion.forward`."""
        image = mean_over_present(self.look(tokens).mean(dim=2), view_present)  # (B, D)
        acuity = self.acuity(preop_logmar, preop_known)
        return self.mix(torch.cat([image, beside_covariates(acuity, covariate_tokens)], dim=-1))
