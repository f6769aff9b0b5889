"""Any timm network as a backbone (Wightman, doi 10.5281/zenodo.4414861)."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ctt_net.errors import InputError
from ctt_net.models.backbone.base import Backbone
from ctt_net.models.backbone.timm_network import create_network


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

    mean: Tensor
    std: Tensor

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
        self.name = name
        self.network = create_network(name, weights)
        self.columns = columns
        # Not num_features: that leaves out the layer that MobileNet-like networks end with.
        self.embed_dim = int(self.network.head_hidden_size)
        if channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)
        config = self.network.pretrained_cfg
        # One grey channel: timm sums the first layer's weights over RGB, so the means are averaged.
        self.register_buffer("mean", torch.tensor(config["mean"]).mean(), persistent=False)
        self.register_buffer("std", torch.tensor(config["std"]).mean(), persistent=False)

    def forward(self, bscans: Tensor) -> Tensor:
        """Encode; see `Backbone.forward`."""
        scaled = (bscans.to(self.mean.dtype) / 255 - self.mean) / self.std
        strips = self._feature_map(scaled).mean(dim=2)  # (N, E, w)
        if strips.shape[-1] != self.columns:
            strips = F.adaptive_avg_pool1d(strips, self.columns)
        return strips.mT

    def _feature_map(self, scaled: Tensor) -> Tensor:
        """Features in their places, (N, E, h, w), whatever the network's own layout."""
        try:
            features = self.network(scaled)
        except AssertionError as error:  # how timm refuses a size
            H, W = scaled.shape[-2:]
            raise InputError(
                f"backbone.name: {self.name} does not take scans of {H}x{W} pixels: {error}; "
                f"change data.preprocessing or take another network"
            ) from None
        if features.ndim == 3:  # (N, tokens, E) of a transformer, its own tokens first
            grid = self.network.patch_embed.dynamic_feat_size(scaled.shape[-2:])
            return features[:, self.network.num_prefix_tokens :].mT.unflatten(2, grid)
        if getattr(self.network, "output_fmt", "NCHW") == "NHWC":
            return features.permute(0, 3, 1, 2)
        return features
