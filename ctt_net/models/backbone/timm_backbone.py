"""Any timm network as a backbone (Wightman, doi 10.5281/zenodo.4414861)."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import timm
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ctt_net.errors import InputError
from ctt_net.models.backbone.base import Backbone
from ctt_net.models.backbone.weights import packaged_weights, read_weights, renamed_like


class TimmBackbone(Backbone):
    """A timm network by name, its features averaged over depth and over `columns` strips of width.

    Where a lesion lies against the fovea decides what it costs, so width is kept in strips and
    depth is not: one strip is the usual global average.

    Args:
        name: timm's name, such as `resnet18`.
        weights: `none` (random), `hub` (timm's own, downloaded), `packaged` (ImageNet weights that
            a Python package on this machine carries) or the path of a .safetensors or .pth file.
        columns: Number of tokens per scan.
        channels_last: Memory layout; faster on most devices, same numbers.

    Raises:
        InputError: If the name is unknown or the weights cannot be had, with the cure.
    """

    def __init__(
        self,
        name: str = "resnet18",
        weights: str = "none",
        columns: int = 1,
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        if columns < 1:
            raise InputError(f"backbone.columns must be 1 or more, got {columns}")
        self.network = _create(name, weights)
        self.columns = columns
        self.embed_dim = int(self.network.num_features)
        if channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)
        config = self.network.pretrained_cfg
        # One grey channel: timm sums the first layer's weights over RGB, so the means are averaged.
        self.register_buffer("mean", torch.tensor(config["mean"]).mean(), persistent=False)
        self.register_buffer("std", torch.tensor(config["std"]).mean(), persistent=False)

    def forward(self, bscans: Tensor) -> Tensor:
        """Encode; see `Backbone.forward`."""
        scaled = (bscans.to(self.mean.dtype) / 255 - self.mean) / self.std
        features = self.network.forward_features(scaled)
        if features.ndim == 3:  # (N, tokens, E) of a transformer, class token first
            grid = self.network.patch_embed.dynamic_feat_size(scaled.shape[-2:])
            features = features[:, self.network.num_prefix_tokens :].mT.unflatten(2, grid)
        strips = features.mean(dim=2)  # (N, E, w)
        if strips.shape[-1] != self.columns:
            strips = F.adaptive_avg_pool1d(strips, self.columns)
        return strips.mT


def _create(name: str, weights: str) -> nn.Module:
    known = timm.list_models()
    if name not in known and name.split(".")[0] not in known:
        close = get_close_matches(name, known, n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise InputError(f"backbone.name: timm has no network {name!r}{hint}")
    options: dict[str, Any] = {"num_classes": 0, "in_chans": 1}
    if issubclass(_class_of(name), timm.models.VisionTransformer):
        options["dynamic_img_size"] = True
    if weights == "none":
        return timm.create_model(name, **options)
    if weights == "hub":
        return _from_hub(name, options)
    path = packaged_weights(name) if weights == "packaged" else Path(weights)
    state = renamed_like(read_weights(path), timm.create_model(name).state_dict())
    return _from_state(name, options, state, path)


def _class_of(name: str) -> type[nn.Module]:
    with torch.device("meta"):
        return type(timm.create_model(name))


def _from_hub(name: str, options: dict[str, Any]) -> nn.Module:
    try:
        return timm.create_model(name, pretrained=True, **options)
    except Exception as error:
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") == "1" else ""
        raise InputError(
            f"backbone.weights: timm's hub weights of {name!r} cannot be had here{offline}; give "
            f"the path of a weights file, or 'none'"
        ) from error


def _from_state(
    name: str, options: dict[str, Any], state: dict[str, Tensor], path: Path
) -> nn.Module:
    # Tensors that timm does not recognise are dropped with a log line, and the network would train
    # from random weights unnoticed: build it twice from one seed and see what the file changed.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        plain = timm.create_model(name, **options).state_dict()
        torch.manual_seed(0)
        try:
            network = timm.create_model(
                name, pretrained=True, pretrained_cfg_overlay={"state_dict": state}, **options
            )
        except (RuntimeError, KeyError) as error:
            reason = str(error).splitlines()[0][:160]
            raise InputError(f"backbone.weights: {path} does not fit {name}: {reason}") from None
    random = [
        key
        for key, value in network.state_dict().items()
        if value.ndim > 1 and torch.equal(value, plain[key])
    ]
    if random:
        raise InputError(
            f"backbone.weights: {path} does not fit {name}: {len(random)} of its weights are not "
            f"in the file, such as {random[0]}"
        )
    return network
