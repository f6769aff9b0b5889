"""A small residual network that learns from some hundred eyes without pretrained weights."""

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ctt_net.errors import InputError
from ctt_net.models.backbone.base import Stage, restrict
from ctt_net.models.backbone.grid import checked_grid
from ctt_net.models.backbone.small_conv import SmallBackbone


class HalvingBlock(nn.Module):
    """Halve the picture, then two 3x3 convolutions beside a 1x1 one (He et al. 2016, as ResNet-D).

    The halving is a mean, so that no pixel is skipped (He et al. 2019, arXiv 1812.01187).

    Args:
        before: Channels that come in.
        width: Channels that go out.
    """

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2)
        self.body = nn.Sequential(
            *_convolution(before, width, 3), nn.ReLU(), *_convolution(width, width, 3)
        )
        self.beside = nn.Sequential(*_convolution(before, width, 1))

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, C', h/2, w/2)."""
        features = self.pool(features)
        return F.relu(self.body(features) + self.beside(features))


class SmallResNetBackbone(SmallBackbone):
    """A convolution of stride 2 and three residual blocks that double the channels; the default.

    For cohorts without weights to start from: 0.30 million parameters at the default width. Each
    token is the mean and the maximum of the features within its cell of the scan, since a lesion is
    a local sign that a mean over a whole scan dilutes.

    Args:
        width: Channels of the first layer; the last has eight times as many.
        columns: Cells over the width of a scan.
        rows: Cells over its depth; each cell is a token, one row and column is one for the scan.
        tune: `full`, `frozen` or `norms`, for one that was pretrained on simulated eyes.
        channels_last: Memory layout; faster on most devices, same numbers.

    Raises:
        InputError: If the width is not positive or the grid has no cell.
    """

    def __init__(
        self,
        width: int = 16,
        columns: int = 1,
        rows: int = 1,
        tune: Literal["full", "frozen", "norms"] = "full",
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        if width < 1:
            raise InputError(f"backbone.width must be positive, got {width}")
        self.rows, self.columns = checked_grid(rows, columns)
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.stem = nn.Sequential(*_convolution(1, width, 3, stride=2), nn.ReLU())
        self.blocks = nn.Sequential(*(HalvingBlock(*pair) for pair in pairwise(widths)))
        self.embed_dim = 2 * widths[-1]
        if channels_last:
            self.to(memory_format=torch.channels_last)
        self.tune = tune
        restrict(self, tune)
        self.train()  # Lightning trains in the mode it finds, and what is frozen stays in eval mode

    def feature_map(self, pixels: Tensor) -> Tensor:
        """See `SmallBackbone.feature_map`."""
        return self.blocks(self.stem(pixels))

    def stages(self) -> list[Stage]:
        """See `Backbone.stages`: the first convolution and each block."""
        widths = [self.embed_dim // 2 >> halvings for halvings in (3, 2, 1, 0)]
        return [Stage(*pair) for pair in zip((self.stem, *self.blocks), widths, strict=True)]

    def parameter_depths(self) -> dict[str, int]:
        """See `Backbone.parameter_depths`; a block is one layer."""
        return {
            name: 1 + int(name.split(".")[1]) if name.startswith("blocks.") else 0
            for name, _ in self.named_parameters()
        }


def _convolution(before: int, width: int, side: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(before, width, side, stride, padding=side // 2, bias=False),
        nn.BatchNorm2d(width),
    ]
