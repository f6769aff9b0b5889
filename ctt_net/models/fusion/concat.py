"""Concatenation: every view in a place of its own."""

import torch
from torch import Tensor, nn

from ctt_net.models.acuity_token import AcuityUnit, acuity_or_learned
from ctt_net.models.fusion.base import Fusion, FusionInput


class ConcatFusion(Fusion):
    """An MLP over all views side by side, the acuity last.

    A learned token stands where a view is absent; covariates are added to the acuity.

    Args:
        dim: Width of the tokens.
        num_views: Number of places; it must be that of the cohort.
        dropout: Between the two layers.
        acuity_token: False leaves the acuity out.
        acuity_unit: Unit in which the acuity token takes the acuity.
    """

    def __init__(
        self,
        dim: int = 64,
        num_views: int = 2,
        dropout: float = 0.0,
        acuity_token: bool = True,
        acuity_unit: AcuityUnit = "logmar",
    ) -> None:
        super().__init__(dim, num_views)
        self.acuity = acuity_or_learned(dim, acuity_token, acuity_unit)
        self.absent_embedding = nn.Parameter(torch.zeros(num_views, dim))
        nn.init.trunc_normal_(self.absent_embedding, std=0.02)
        width = (num_views + 1) * dim
        self.mix = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * dim), nn.GELU(), nn.Dropout(dropout),
            nn.Linear(2 * dim, dim),
        )  # fmt: skip

    def forward(self, eyes: FusionInput) -> Tensor:
        """Fuse; see `Fusion.forward`."""
        B, V = eyes.view_present.shape
        places = len(self.absent_embedding)
        if places < V:
            raise ValueError(f"{V} views are more than the {places} of num_views")
        image = torch.where(
            eyes.view_present[..., None], eyes.tokens.mean(dim=2), self.absent_embedding[:V]
        )
        rest = self.absent_embedding[V:].expand(B, -1, -1)  # of a network with fewer views
        acuity = eyes.plus_covariates(self.acuity(eyes.preop_logmar, eyes.preop_known))
        return self.mix(torch.cat([image, rest, acuity[:, None]], dim=1).flatten(1))
