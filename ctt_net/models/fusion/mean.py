"""Late fusion by the mean over the views, each encoded for itself, and the acuity."""

import torch
from torch import Tensor, nn

from ctt_net.models.acuity_token import AcuityUnit, acuity_or_learned
from ctt_net.models.fusion.base import Fusion, FusionInput, mean_over_present


class MeanFusion(Fusion):
    """A layer on each token, the mean over the present views, and a layer that adds the acuity.

    The comparator to beat. Without the nonlinearity before the mean, the view embedding of a token
    would be the same constant for every eye, and the network could not tell views apart.

    Args:
        dim: Width of the tokens.
        dropout: After each layer.
        acuity_token: False leaves the acuity out.
        acuity_unit: Unit in which the acuity token takes the acuity.
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

    def forward(self, eyes: FusionInput) -> Tensor:
        """Fuse; see `Fusion.forward`."""
        image = mean_over_present(self.look(eyes.tokens).mean(dim=2), eyes.view_present)  # (B, D)
        acuity = self.acuity(eyes.preop_logmar, eyes.preop_known)
        return self.mix(torch.cat([image, eyes.plus_covariates(acuity)], dim=-1))
