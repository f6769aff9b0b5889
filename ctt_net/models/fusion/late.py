"""Late fusion as published: linear layers over the concatenated, pooled views."""

import torch
from torch import Tensor, nn

from ctt_net.models.acuity_token import AcuityToken, AcuityUnit
from ctt_net.models.fusion.base import Fusion, FusionInput, mean_over_present


class LateFusion(Fusion):
    """The published late-fusion comparators of CTT-Net, without and with acuity.

    Without acuity: the sum of the views' tokens. Where each view has a projection of its own
    (`model.sharing: backbone`), that is the published linear layer over the concatenated views.
    With acuity: each view becomes a linear layer, its own, of [itself, the mean of all views, the
    acuity token], and these and the acuity token become a last one. No nonlinearity in here: the
    published one follows, at the start of the head. An absent view counts as zeros.

    Args:
        dim: Width of the tokens.
        num_views: Number of views with a layer of their own; needed with acuity only.
        acuity_token: With or without acuity.
        acuity_unit: Unit in which the acuity token takes the acuity.
    """

    def __init__(
        self,
        dim: int = 64,
        num_views: int = 2,
        acuity_token: bool = True,
        acuity_unit: AcuityUnit = "logmar",
    ) -> None:
        super().__init__(dim, num_views if acuity_token else None)
        self.acuity: nn.Module | None = None
        if acuity_token:
            self.acuity = AcuityToken(dim, acuity_unit)
            self.beside = nn.ModuleList(nn.Linear(3 * dim, dim) for _ in range(num_views))
            self.join = nn.Linear((num_views + 1) * dim, dim)

    def forward(self, eyes: FusionInput) -> Tensor:
        """Fuse; see `Fusion.forward`."""
        there = eyes.view_present[..., None]
        image = torch.where(there, eyes.tokens.mean(dim=2), 0.0)  # (B, V, D)
        if self.acuity is None:
            return eyes.plus_covariates(image.sum(dim=1))
        B, V = eyes.view_present.shape
        if len(self.beside) < V:
            raise ValueError(f"{V} views are more than the {len(self.beside)} of num_views")
        acuity = eyes.plus_covariates(self.acuity(eyes.preop_logmar, eyes.preop_known))
        mean = mean_over_present(image, eyes.view_present)
        each = [
            layer(torch.cat([image[:, v], mean, acuity], dim=-1))
            for v, layer in enumerate(self.beside[:V])
        ]
        beside = torch.where(there, torch.stack(each, dim=1), 0.0).flatten(1)
        rest = beside.new_zeros(B, (len(self.beside) - V) * self.dim)
        return self.join(torch.cat([beside, rest, acuity], dim=-1))
