"""Which parameter learns at which rate, and which of them decay."""

from typing import Any

from torch import nn

from ctt_net.errors import InputError
from ctt_net.models import MultiViewNet
from ctt_net.models.backbone import Backbone

# Two-dimensional by layout only: places and special tokens, of this project and of timm.
NOT_DECAYED = ("embedding", "pos_embed", "cls_token", "reg_token")


def parameter_groups(
    network: MultiViewNet,
    learning_rate: float,
    backbone_learning_rate: float,
    weight_decay: float,
    backbone_layer_decay: float = 1.0,
) -> list[dict[str, Any]]:
    """Groups for a torch optimiser: every parameter that learns is in exactly one.

    Layer i of a backbone of layers 0 to L learns at `backbone_learning_rate` times
    `backbone_layer_decay` to the power of L - i: what was pretrained nearest to the scan changes
    least (Bao et al. 2022, BEiT, arXiv 2106.08254).

    Args:
        network: Whose parameters without a gradient are left out.
        learning_rate: Of all but the backbone.
        backbone_learning_rate: Of a backbone's last layer.
        weight_decay: Of matrices; biases, norms, embeddings and what a backbone names have none.
        backbone_layer_decay: Above 0 and up to 1; 1 = one rate for the whole backbone.

    Raises:
        InputError: If the decay is no such factor.
    """
    if not 0 < backbone_layer_decay <= 1:
        raise InputError(
            f"model.backbone_layer_decay must lie above 0 and up to 1, got {backbone_layer_decay}"
        )
    scales: dict[str, float] = {}
    spared: set[str] = set()
    for number, backbone in enumerate(network.backbone):
        prefix = f"backbone.{number}."
        spared |= {prefix + name for name in backbone.undecayed_parameters()}
        for name, scale in layer_scales(backbone, backbone_layer_decay).items():
            scales[prefix + name] = scale
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        rate = backbone_learning_rate * scales[name] if name in scales else learning_rate
        decayed = parameter.ndim > 1 and not name.endswith(NOT_DECAYED) and name not in spared
        groups.setdefault((rate, weight_decay if decayed else 0.0), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def layer_scales(backbone: Backbone, decay: float) -> dict[str, float]:
    """Factor of the rate of each parameter of a backbone, 1 for its last layer."""
    depths = backbone.parameter_depths()
    last = max(depths.values())
    return {name: decay ** (last - depth) for name, depth in depths.items()}
