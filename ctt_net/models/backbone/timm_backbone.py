"""Any timm network as a backbone (Wightman, doi 10.5281/zenodo.4414861)."""

from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any, Literal

import torch
from timm.data import (
    IMAGENET_DEFAULT_MEAN,
    IMAGENET_DEFAULT_STD,
    IMAGENET_INCEPTION_MEAN,
    IMAGENET_INCEPTION_STD,
)
from timm.models import group_parameters
from timm.optim import auto_group_layers
from torch import Tensor

from ctt_net.errors import InputError
from ctt_net.models.backbone.base import Backbone, Stage, Tune, restrict
from ctt_net.models.backbone.grid import checked_grid, mean_of_cells
from ctt_net.models.backbone.lora import Lora, add_adapters
from ctt_net.models.backbone.origin import Normalisation
from ctt_net.models.backbone.timm_network import create_network, input_size, weights_origin

DEFAULT_LORA = Lora()

NORMALISATIONS = {
    "imagenet": {"mean": IMAGENET_DEFAULT_MEAN, "std": IMAGENET_DEFAULT_STD},
    "half": {"mean": IMAGENET_INCEPTION_MEAN, "std": IMAGENET_INCEPTION_STD},
}


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
        normalisation: Of the grey levels: `network` as timm's data config says, `imagenet`, or
            `half` (-1..1), for weights that were trained otherwise.
        licence: Of a weights file: a licence, or a family such as RETFound; where it is not given,
            its metadata and the file name are used.
        tune: `full`; `frozen`; `norms`, scale and shift of every norm; or `lora`, small adapters
            beside the layers of attention, or of a network without attention beside all that are
            not by channel (needs peft).
        lora: Size of those adapters.
        channels_last: Memory layout; faster on most devices, same numbers.

    Raises:
        InputError: If the name is unknown or the weights or peft cannot be had, with the fix.
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
        normalisation: Normalisation = "network",
        licence: str | None = None,
        tune: Tune = "full",
        lora: Lora = DEFAULT_LORA,
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        self.rows, self.columns = checked_grid(rows, columns)
        self.name = name
        self.network = create_network(name, weights, channels)
        # Not num_features: that leaves out the layer that MobileNet-like networks end with.
        self.embed_dim = int(self.network.head_hidden_size)
        self.tune = tune
        if tune == "lora":
            height, width = self.network.pretrained_cfg["input_size"][1:]
            add_adapters(self.network, lora, torch.zeros(1, channels, height, width))
        else:
            restrict(self.network, tune)
        if channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)
        self.origin = weights_origin(name, weights, licence)
        for key, channel_values in self._mean_and_std(normalisation).items():
            value = torch.tensor(channel_values).view(-1, 1, 1)
            # With the first layer's weights summed, the mean over RGB is what grey is to that sum.
            value = value.mean(dim=0, keepdim=True) if channels == 1 else value
            self.register_buffer(key, value, persistent=False)
        self.train()  # Lightning trains in the mode it finds, and what is frozen stays in eval mode

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

    def _feature_map(self, pixels: Tensor) -> Tensor:
        """Features in their places, (N, E, h, w), whatever the network's own layout."""
        try:
            features = self.network(pixels)
        except AssertionError as error:  # how timm refuses a size
            raise self._wrong_size(pixels.shape[-2], pixels.shape[-1], error) from None
        return in_places(features, self.network, (pixels.shape[-2], pixels.shape[-1]))

    def _mean_and_std(self, normalisation: Normalisation) -> dict[str, tuple[float, ...]]:
        own = {key: tuple(self.network.pretrained_cfg[key]) for key in ("mean", "std")}
        chosen = NORMALISATIONS.get(normalisation, own)
        origin = self.origin
        needed = None if origin is None else origin.normalisation
        if origin is not None and needed is not None and NORMALISATIONS[needed] != chosen:
            raise InputError(
                f"backbone.normalisation: {origin.name} was trained with {needed!r}, and "
                f"{self.name} with {normalisation!r} is another: set normalisation: {needed}"
            )
        return chosen

    def parameter_depths(self) -> dict[str, int]:
        """See `Backbone.parameter_depths`; by timm's own list of layers, if it has one."""
        if hasattr(self.network, "group_matcher"):
            matcher = self.network.group_matcher(coarse=False)
            depths = group_parameters(self.network, matcher, reverse=True)
        else:
            depths = auto_group_layers(self.network)
        return {f"network.{name}": int(depth) for name, depth in depths.items()}

    def stages(self) -> list[Stage]:
        """See `Backbone.stages`; timm's own list of a convolutional network, none of a transformer.

        Features that are tokens, or have their channels last, are not read.
        """
        network = self.network
        if getattr(network, "output_fmt", "NCHW") != "NCHW" or hasattr(
            network, "num_prefix_tokens"
        ):
            return []
        return [
            Stage(network.get_submodule(one["module"]), one["num_chs"])
            for one in getattr(network, "feature_info", [])
        ]

    def undecayed_parameters(self) -> set[str]:
        """See `Backbone.undecayed_parameters`; the network's own list."""
        patterns: set[str] = getattr(self.network, "no_weight_decay", set)()
        return {
            f"network.{name}"
            for name, _ in self.network.named_parameters()
            if any(fnmatch(name, pattern) for pattern in patterns)
        }

    def check_size(self, height: int, width: int, crop: str = "none") -> None:
        """See `Backbone.check_size`."""
        try:
            super().check_size(height, width, crop)
        except (RuntimeError, ValueError) as error:  # whatever a shape that does not fit raises
            raise self._wrong_size(height, width, error) from None

    def _wrong_size(self, height: int, width: int, error: Exception) -> InputError:
        if isinstance(error, InputError):
            return error
        needed = " by ".join(map(str, self.network.pretrained_cfg["input_size"][1:]))
        return InputError(
            f"backbone.name: {self.name} does not take scans of {height}x{width} pixels; it was "
            f"made for {needed} (height by width): set data.preprocessing to it, or "
            f"scan_size_of_backbone: true, or take another network"
        )

    @classmethod
    def pretrained_size(cls, arguments: Mapping[str, Any]) -> tuple[int, int] | None:
        """See `Backbone.pretrained_size`; timm's own data config has it."""
        return input_size(str(arguments.get("name", "resnet18")))


def in_places(features: Tensor, network: Any, size: tuple[int, int]) -> Tensor:
    """A network's last features as a map, whatever its own layout.

    Args:
        features: (N, E, h, w), (N, h, w, E) or, of a transformer, (N, tokens, E) with its own
            tokens (class, registers) first.
        network: A timm network.
        size: Height and width of its input.

    Returns:
        (N, E, h, w).

    Raises:
        InputError: If the tokens are no grid over the scan.
    """
    if features.ndim == 4:
        nhwc = getattr(network, "output_fmt", "NCHW") == "NHWC"
        return features.permute(0, 3, 1, 2) if nhwc else features
    if features.ndim != 3:
        raise InputError(
            f"backbone.name: this network gives features of shape {tuple(features.shape)}, which "
            f"have no places on the scan; take another network"
        )
    own = getattr(network, "num_prefix_tokens", 0)
    return features[:, own:].mT.unflatten(2, _grid(network, size, features.shape[1] - own))


def _grid(network: Any, size: tuple[int, int], number: int) -> tuple[int, int]:
    feature_size = getattr(getattr(network, "patch_embed", None), "dynamic_feat_size", None)
    if feature_size is not None:
        rows, columns = feature_size(size)
        if rows * columns == number:
            return rows, columns
    # Square steps over the scan, as many as there are tokens.
    step = (size[0] * size[1] / number) ** 0.5
    rows, columns = round(size[0] / step), round(size[1] / step)
    if rows * columns != number:
        raise InputError(
            f"backbone.name: {number} tokens of this network are no grid over scans of "
            f"{size[0]}x{size[1]} pixels; take another network"
        )
    return rows, columns
