"""One view alone: what the others are worth is the difference to this."""

import torch
from torch import Tensor

from ctt_net.models.acuity_token import AcuityUnit
from ctt_net.models.fusion.base import Fusion, FusionInput, mean_over_present
from ctt_net.models.fusion.mean import MeanFusion


class SingleViewFusion(Fusion):
    """The mean fusion of a single view; the others have no influence, in training neither.

    Where the view is absent, acuity and covariates are all there is.

    Args:
        dim: Width of the tokens.
        view: Number of the view in the cohort's order, from 0.
        dropout: As in `MeanFusion`.
        acuity_token: False leaves the acuity out.
        acuity_unit: Unit in which the acuity token takes the acuity.
        plain: Hands the view's mean token to the head as it is, as published: no layer, no acuity;
            covariate tokens are added.

    Raises:
        ValueError: If the view's number is negative.
    """

    def __init__(
        self,
        dim: int = 64,
        view: int = 0,
        dropout: float = 0.0,
        acuity_token: bool = True,
        acuity_unit: AcuityUnit = "logmar",
        plain: bool = False,
    ) -> None:
        super().__init__(dim)
        if view < 0:
            raise ValueError(f"view must be 0 or more, got {view}")
        self.view = view
        self.mean = None if plain else MeanFusion(dim, dropout, acuity_token, acuity_unit)

    def check_views(self, num_views: int) -> None:
        """See `Fusion.check_views`."""
        if self.view >= num_views:
            raise ValueError(
                f"fusion.view is {self.view} and there are {num_views} views, from 0 to "
                f"{num_views - 1}"
            )

    def used_views(self, view_present: Tensor) -> Tensor:
        """That view alone."""
        # Not a comparison with a number, of which onnxruntime warns at every start.
        its_own = [view == self.view for view in range(view_present.shape[1])]
        return view_present & torch.tensor(its_own, device=view_present.device)

    def forward(self, eyes: FusionInput) -> Tensor:
        """Fuse; see `Fusion.forward`."""
        there = self.used_views(eyes.view_present)
        if self.mean is not None:
            return self.mean(eyes._replace(view_present=there))
        return eyes.plus_covariates(mean_over_present(eyes.tokens.mean(dim=2), there))
