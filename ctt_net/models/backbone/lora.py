"""Low-rank adapters beside a network's layers, through peft (Hu et al., arXiv 2106.09685)."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ctt_net.errors import InputError, install_extra


@dataclass(frozen=True)
class Lora:
    """Size of the adapters.

    Args:
        rank: Of each update; 4 to 16 are usual.
        alpha: The update is scaled by alpha / rank.
        dropout: Of the adapters' input.
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Refuse sizes that make no adapter."""
        if self.rank < 1 or self.alpha <= 0 or not 0 <= self.dropout < 1:
            raise InputError(
                f"backbone.lora: rank must be 1 or more, alpha positive and dropout in 0..1, got "
                f"rank {self.rank}, alpha {self.alpha:g}, dropout {self.dropout:g}"
            )


def adapted_layers(network: nn.Module, example: Tensor) -> list[str]:
    """Names of the layers that get an adapter.

    The linear layers of attention, where there is attention; else all linear layers (ConvNeXt);
    else all convolutions that are not by channel, but for the first (ResNet). Only layers that the
    network calls count: some use their weights directly, and an adapter beside those would do
    nothing.

    Args:
        network: In any mode; left as it was.
        example: One input.
    """
    called: dict[str, nn.Module] = {}

    def note(name: str, module: nn.Module, *_: Any) -> None:
        called.setdefault(name, module)

    hooks = [
        module.register_forward_hook(partial(note, name))
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    ]
    was_training = network.training
    try:
        with torch.no_grad():
            network.eval()(example)
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    linear = [name for name, module in called.items() if type(module) is nn.Linear]
    attention = [name for name in linear if "attn" in name or "attention" in name]
    convolutions = [
        name
        for name, module in called.items()
        if isinstance(module, nn.Conv2d) and module.groups == 1
    ]
    return attention or linear or convolutions[1:]


def add_adapters(network: nn.Module, lora: Lora, example: Tensor) -> None:
    """Freeze a network and put trainable adapters, which change nothing yet, into it.

    Afterwards it still takes a state without adapters, as it had before.

    Args:
        network: Changed in place.
        lora: Size of the adapters.
        example: One input, to see which layers are in use.

    Raises:
        InputError: If peft is not installed or no layer can be adapted.
    """
    peft = _peft()
    targets = adapted_layers(network, example)
    if not targets:
        raise InputError("backbone.tune: this network has no layer that lora can adapt; take full")
    config = peft.LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets
    )
    network.requires_grad_(False)
    peft.inject_adapter_in_model(config, network)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_("lora_" in name)
    network.register_load_state_dict_pre_hook(_take_plain_state)


def merge_adapters(network: nn.Module) -> None:
    """Add the adapters to the weights they stand beside; the network is a plain one again."""
    layer_kind = _peft().tuners.lora.LoraLayer
    adapted = [name for name, part in network.named_modules() if isinstance(part, layer_kind)]
    for name in adapted:
        layer = network.get_submodule(name)
        layer.merge(safe_merge=True)
        network.set_submodule(name, layer.get_base_layer())


def _take_plain_state(network: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Let a state without adapters in: the weights to their layers, the adapters as they are."""
    for name, value in network.state_dict().items():
        key = prefix + name
        plain = prefix + name.replace(".base_layer.", ".")
        if key not in state and plain in state:
            state[key] = state.pop(plain)
        elif key not in state and "lora_" in name:
            state[key] = value


# peft's types come with all of transformers, hence Any; and so does its import, hence in here.
def _peft() -> Any:
    try:
        import peft
    except ModuleNotFoundError:
        raise InputError(
            f"backbone.tune: 'lora' needs peft; {install_extra('lora')}, or take full, norms "
            f"or frozen"
        ) from None
    return peft
