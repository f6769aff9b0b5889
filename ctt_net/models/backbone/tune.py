"""How much of a backbone learns: all, nothing, its norms, or small adapters beside its layers."""

from typing import Literal

from timm.layers import RmsNorm, RmsNorm2d
from torch import nn

from ctt_net.errors import InputError

Tune = Literal["full", "frozen", "norms", "lora"]

# torch's base class of all batch and instance norms, from which timm's fused ones inherit too.
_BATCH_NORMS = nn.modules.batchnorm._NormBase
NORMS = (_BATCH_NORMS, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, RmsNorm, RmsNorm2d)


def restrict(network: nn.Module, tune: Tune) -> None:
    """Leave a gradient to what shall learn; adapters are another matter (`lora.add_adapters`).

    Args:
        network: Its parameters' `requires_grad` is set.
        tune: `full`, `frozen` or `norms` (scale and shift of every norm).

    Raises:
        InputError: If there are no norms to train.
    """
    if tune == "full":
        return
    network.requires_grad_(False)
    if tune == "norms":
        norms = [module for module in network.modules() if isinstance(module, NORMS)]
        learning = [parameter for norm in norms for parameter in norm.parameters(recurse=False)]
        if not learning:
            raise InputError("backbone.tune: this network has no norms to train; take full or lora")
        for parameter in learning:
            parameter.requires_grad_(True)


def hold_still(network: nn.Module, tune: Tune) -> None:
    """Put what does not learn in eval mode, below a module that is in train mode.

    A frozen network that drops features or moves its batch statistics would be another one at each
    step, and another one again when it predicts. With `norms` the statistics move: they are half of
    what a norm is. Of adapters only the dropout stays on.
    """
    if tune not in ("frozen", "lora"):
        return
    for child in network.children():
        child.eval()
    for module in network.modules():
        for dropout in getattr(module, "lora_dropout", {}).values():
            dropout.train()
