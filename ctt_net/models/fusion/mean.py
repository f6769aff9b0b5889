"""Late joining: the mean of all views' tokens beside the acuity token."""

import torch
from torch import Tensor, nn

from ctt_net.models.acuity_token import AcuityToken
from ctt_net.models.fusion.base import Fusion, mean_over_present


class MeanFusion(Fusion):
    """Averages the views that are there and mixes in the acuity: the rival to beat.

    Args:
        dim: Width of the tokens.
        dropout: Before the output.
    """

    def __init__(self, dim: int = 64, dropout: float = 0.0) -> None:
        super().__init__(dim)
        self.acuity = AcuityToken(dim)
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
        image = mean_over_present(tokens.mean(dim=2), view_present)  # (B, D)
        return self.mix(torch.cat([image, self.acuity(preop_logmar, preop_known)], dim=-1))
