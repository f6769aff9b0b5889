"""A published network: this project's parts, spoken to in the authors' way."""

import torch
from torch import Tensor, nn

from ctt_net.errors import InputError
from ctt_net.models.backbone import TimmBackbone
from ctt_net.models.fusion import (
    CrossTokenFusion,
    Fusion,
    JointAttentionFusion,
    LateFusion,
    SingleViewFusion,
)
from ctt_net.models.head import DecimalHead
from ctt_net.models.multi_view_net import MultiViewNet, Sharing
from ctt_net.models.reference.variants import VARIANTS
from ctt_net.outcome import Outcome
from ctt_net.types import Prediction

DIM = 128
GAIN = Outcome("gains_0.20_decimal", "decimal_gain", threshold_decimal=0.20)


class ReferenceNet(nn.Module):
    """Takes two normalised RGB pictures and a decimal acuity, as the published networks do.

    Args:
        variant: One of `VARIANTS`.

    Attributes:
        network: The `MultiViewNet` inside, which takes grey levels and logMAR.
        ignored: Names in the loaded weights that take no part in the forward pass.
    """

    network: MultiViewNet

    def __init__(self, variant: str = "ctt") -> None:
        super().__init__()
        self.variant = VARIANTS[variant]
        self.ignored: tuple[str, ...] = ()
        family = self.variant.family
        fusion, sharing = _fusion(family, self.variant.view)
        # The families without a transformer end their fusion with the layer before the ReLU.
        hidden_layer = family in ("ctt", "ctt_f", "full_attention")
        self.network = MultiViewNet(
            TimmBackbone("resnet18", channels=3),
            fusion,
            DecimalHead(DIM, [GAIN], bounded=self.variant.bounded, hidden_layer=hidden_layer),
            num_views=2,
            sharing=sharing,
            place_embeddings=False,
        )

    def forward(
        self, horizontal: Tensor, vertical: Tensor, preop_decimal: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Predict.

        Args:
            horizontal: (B, 3, H, W), normalised by ImageNet's mean and deviation; or (B, 1, H, W).
            vertical: Alike.
            preop_decimal: (B,) or (B, 1), positive.

        Returns:
            Decimal acuity after the surgery, gain and margin, each in the shape of `preop_decimal`.
            Of some variants gain and margin both are the correction d, as published.

        Raises:
            InputError: If an acuity is not positive.
        """
        prediction = self.predict(horizontal, vertical, preop_decimal)
        native = prediction.native[:, 0].view(preop_decimal.shape)
        head: DecimalHead = self.network.head
        postop = head.postop_decimal(native)
        if self.variant.gain_of_output:
            return postop, postop - preop_decimal, postop - preop_decimal - 0.2
        return postop, native - preop_decimal, native - preop_decimal

    def predict(self, horizontal: Tensor, vertical: Tensor, preop_decimal: Tensor) -> Prediction:
        """The same as the project's own prediction; `native` is d + preop, before any bound.

        Args:
            horizontal: As in `forward`.
            vertical: As in `forward`.
            preop_decimal: As in `forward`.
        """
        if not (preop_decimal > 0).all():
            raise InputError("reference: preop_decimal must be positive numbers")
        backbone: TimmBackbone = self.network.backbone[0]
        # Back to grey levels, which the backbone normalises for itself.
        views = [(view * backbone.std + backbone.mean) * 255 for view in (horizontal, vertical)]
        preop = -preop_decimal.flatten().log10()
        present = torch.ones(len(preop), 2, dtype=torch.bool, device=preop.device)
        return self.network(torch.stack(views, dim=1), present, preop)


def _fusion(family: str, view: int | None) -> tuple[Fusion, Sharing]:
    """The fusion of a family, and what its views share."""
    if family in ("ctt", "ctt_f"):
        cross_token = CrossTokenFusion(
            DIM,
            head_dim=DIM,
            num_views=2,
            exchanges=4 if family == "ctt" else 6,
            common="fixed" if family == "ctt" else "updated",
            acuity_unit="decimal",
        )
        return cross_token, "none"
    if family == "full_attention":
        return JointAttentionFusion(DIM, head_dim=DIM, depth=6, acuity_token=False), "none"
    if family == "late_join":
        return LateFusion(DIM, acuity_token=False), "backbone"
    if family == "late_join_pva":
        return LateFusion(DIM, acuity_unit="decimal"), "backbone"
    return SingleViewFusion(DIM, view=view or 0, plain=True), "all"
