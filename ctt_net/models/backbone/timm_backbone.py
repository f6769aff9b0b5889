"""Any timm network as a backbone (Wightman, doi 10.5281/zenodo.4414861)."""

from typing import Literal

import torch
from torch import Tensor

from ctt_net.errors import InputError
from ctt_net.models.backbone.base import Backbone
from ctt_net.models.backbone.grid import checked_grid, mean_of_cells
from ctt_net.models.backbone.timm_network import create_network


class TimmBackbone(Backbone):
    """A timm network by name, its features averaged within each cell of a grid over the scan.

    Where a lesion lies against the fovea decides what it costs, so a few columns are worth having;
    one row and one column are the usual global average.

    Args:
        name: timm's name, such as `resnet18`.
        weights: `none` (random), `hub` (timm's own, downloaded), `packaged` (ImageNet weights that
            a Python package on this machine carries) or the path of a .safetensors or .pth file.
        columns: Cells over the width of a scan.
        rows: Cells over its depth; each cell is a token.
        channels: 1 feeds grey, the first layer's weights summed over RGB; 3 feeds grey three times,
            each channel normalised by its own mean and deviation, as in the network's pretraining.
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
        rows: int = 1,
        channels: Literal[1, 3] = 1,
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        self.rows, self.columns = checked_grid(rows, columns)
        self.name = name
        self.network = create_network(name, weights, channels)
        # Not num_features: that leaves out the layer that MobileNet-like networks end with.
        self.embed_dim = int(self.network.head_hidden_size)
        if channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)
        for key in ("mean", "std"):
            value = torch.tensor(self.network.pretrained_cfg[key]).view(-1, 1, 1)
            # With the first layer's weights summed, the mean over RGB is what grey is to that sum.
            value = value.mean(dim=0, keepdim=True) if channels == 1 else value
            self.register_buffer(key, value, persistent=False)

    def forward(self, bscans: Tensor) -> Tensor:
        """Encode; see `Backbone.forward`."""
        grey = bscans.to(self.mean.dtype) / 255
        return self.encode_normalised((grey - self.mean) / self.std)

    def encode_normalised(self, pixels: Tensor) -> Tensor:
        """Encode pictures that are normalised already.

        Args:
            pixels: (N, C, H, W), C = `channels`.

        Returns:
            (N, T, E).
        """
        return mean_of_cells(self._feature_map(pixels), self.rows, self.columns)

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
