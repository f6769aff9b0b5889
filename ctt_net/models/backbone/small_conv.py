"""The contract of small backbones without pretrained weights, and a convolutional one."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from ctt_net.errors import InputError
from ctt_net.models.backbone.base import Backbone, Stage, restrict
from ctt_net.models.backbone.grid import checked_grid, maximum_of_cells, mean_of_cells

# A grey level of a scan, over this and less one, is about -1 in the vitreous and 0 to 3 in tissue.
USUAL_GREY = 64.0


class SmallBackbone(Backbone):
    """A network of this project: each token is the mean and the maximum of a cell's features."""

    @abstractmethod
    def feature_map(self, pixels: Tensor) -> Tensor:
        """Features (N, E/2, h, w) of scaled grey levels (N, 1, H, W)."""

    def forward(self, bscans: Tensor) -> Tensor:
        """Encode; see `Backbone.forward`."""
        dtype = next(self.parameters()).dtype
        features = self.feature_map(bscans.to(dtype) / USUAL_GREY - 1)
        grid = (self.rows, self.columns)
        cells = [mean_of_cells(features, *grid), maximum_of_cells(features, *grid)]
        return torch.cat(cells, dim=2)


class SmallConvBackbone(SmallBackbone):
    """Five 3x3 convolutions with batch norm, halving the picture in between.

    For cohorts without weights to start from and machines without a GPU: at the default widths
    0.07 million parameters. Each token is the mean and the maximum of the features within its cell
    of the scan, since a lesion is a local sign that a mean over a whole scan dilutes.

    Args:
        widths: Channels of each layer, at least two layers.
        columns: Cells over the width of a scan.
        rows: Cells over its depth; each cell is a token, one row and column is one for the scan.
        tune: `full`, `frozen` or `norms`, for one that was pretrained on simulated eyes.
        channels_last: Memory layout; faster on most devices, same numbers.

    Raises:
        InputError: If there are fewer than two widths or the grid has no cell.
    """

    def __init__(
        self,
        widths: Sequence[int] = (12, 24, 48, 64, 64),
        columns: int = 1,
        rows: int = 1,
        tune: Literal["full", "frozen", "norms"] = "full",
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        if len(widths) < 2 or min(widths) < 1:
            raise InputError(
                f"backbone.widths must be two or more positive numbers, got {list(widths)}"
            )
        self.rows, self.columns = checked_grid(rows, columns)
        layers: list[nn.Module] = []
        for i, (before, width) in enumerate(zip((1, *widths), widths, strict=False)):
            stride = 2 if i == 0 else 1
            layers += [
                nn.Conv2d(before, width, 3, stride, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            if 0 < i < len(widths) - 1:
                layers.append(nn.MaxPool2d(2))
        self.layers = nn.Sequential(*layers)
        self.embed_dim = 2 * widths[-1]
        if channels_last:
            self.layers = self.layers.to(memory_format=torch.channels_last)
        self.tune = tune
        restrict(self.layers, tune)
        self.train()  # Lightning trains in the mode it finds, and what is frozen stays in eval mode

    def feature_map(self, pixels: Tensor) -> Tensor:
        """See `SmallBackbone.feature_map`."""
        return self.layers(pixels)

    def stages(self) -> list[Stage]:
        """See `Backbone.stages`: each convolution, after its norm and ReLU."""
        norms = [layer for layer in self.layers if isinstance(layer, nn.BatchNorm2d)]
        ends = [layer for layer in self.layers if isinstance(layer, nn.ReLU)]
        return [Stage(end, norm.num_features) for end, norm in zip(ends, norms, strict=True)]

    def parameter_depths(self) -> dict[str, int]:
        """See `Backbone.parameter_depths`; a convolution and its norm are one layer."""
        depths, depth = {}, -1
        for number, layer in enumerate(self.layers):
            depth += isinstance(layer, nn.Conv2d)
            for name, _ in layer.named_parameters():
                depths[f"layers.{number}.{name}"] = depth
        return depths
