"""The published networks, built of this project's parts, with the authors' inputs and outputs."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ctt_net.errors import InputError
from ctt_net.io import renamed
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
from ctt_net.outcome import Outcome
from ctt_net.types import Prediction


class Variant(NamedTuple):
    """How one published network differs from the others.

    Args:
        family: Networks that are built alike and have the same names.
        bounded: Whether the output goes through 1.5 * sigmoid.
        gain_of_output: Whether it returns (post, post - preop, post - preop - 0.2); the others
            return (post, d, d) with d the correction.
        view: The only one it uses: 0 horizontal, 1 vertical; None = both.
    """

    family: str
    bounded: bool
    gain_of_output: bool
    view: int | None = None


_PLAIN = {
    "ctt": Variant("ctt", bounded=True, gain_of_output=True),
    "ctt_f": Variant("ctt_f", bounded=False, gain_of_output=True),
    "full_attention": Variant("full_attention", bounded=False, gain_of_output=False),
    "late": Variant("late", bounded=False, gain_of_output=False),
    "late_pva": Variant("late_pva", bounded=True, gain_of_output=True),
    "single_view_h": Variant("single_view", bounded=False, gain_of_output=False, view=0),
    "single_view_v": Variant("single_view", bounded=False, gain_of_output=False, view=1),
}

# With suffix _s the output is bounded; of `ctt` and `late_pva` it is so anyway.
VARIANTS: Mapping[str, Variant] = {
    **_PLAIN,
    **{f"{k}_s": v._replace(bounded=True, gain_of_output=True) for k, v in _PLAIN.items()},
}


def variant_of(state: Mapping[str, Tensor], variant: str | None) -> str:
    """The variant that was asked for, or the one that the names tell.

    `ctt` and `ctt_f` have the same names, and no name tells whether an output is bounded: without
    being asked for anything else, the plain name is taken.

    Raises:
        InputError: If there is no such variant, or the names do not decide.
    """
    if variant is not None:
        base, bounded = (variant[:-2], "_s") if variant.endswith("_s") else (variant, "")
        variant = renamed.VARIANTS.get(base, base) + bounded
        if variant not in VARIANTS:
            raise InputError(
                f"reference: no variant {variant!r}; there are {', '.join(sorted(VARIANTS))}"
            )
        return variant
    if any(name.startswith("Transformer_layer.Transformer_") for name in state):
        return "ctt"
    if "reg_token" in state:
        return "full_attention"
    if "fc1.weight" in state:
        return "late_pva"
    width = state["fc.weight"].shape[-1] if "fc.weight" in state else 0
    if width == 2 * 512:
        return "late"
    why = "it reads one view, and no name says which" if width == 512 else "its names are of none"
    raise InputError(
        f"reference: cannot tell the variant of these weights: {why}; give one of "
        f"{', '.join(sorted(VARIANTS))}"
    )


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
    if family == "late":
        return LateFusion(DIM, acuity_token=False), "backbone"
    if family == "late_pva":
        return LateFusion(DIM, acuity_unit="decimal"), "backbone"
    return SingleViewFusion(DIM, view=view or 0, plain=True), "all"
