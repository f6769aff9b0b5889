"""A token for each layer and lesion: the segmentation network's features under its own masks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from ctt_net.errors import InputError
from ctt_net.imaging.segmentation import (
    COLUMNS,
    LAYERS,
    LESIONS,
    ONNX_FILE,
    ROWS,
    WEIGHTS_FOLDER,
)
from ctt_net.models.backbone.base import Backbone, restrict
from ctt_net.models.backbone.origin import origin_of_file

# Usual size of the features and of a log area, until `initialise` has seen scans.
USUAL_DEVIATION = 10.0
# Added to each deviation: a lesion that no training scan has would otherwise have none.
LEAST_DEVIATION = 0.1
LARGEST_SCORE = 5.0


class SegmentationBackbone(Backbone):
    """Features of a segmentation network, averaged under its soft masks (masked average pooling).

    Tokens are those of `LAYERS`, from the top down, then those of `LESIONS`. Each is the mean of
    the features under its mask (Zhang et al. 2018, arXiv 1810.09091) and the log of
    the area of the mask, standardised by the training scans: under one mask, features differ
    little between eyes. The projection to the width of the fusion follows in `MultiViewNet`.

    Args:
        weights: `packaged`, the network in this package, which simulated scans taught; a folder
            that `ctt-net train-segmenter` wrote; or `none` (random).
        tune: `frozen`, `full` or `norms`. Full is for cohorts of thousands.
        channels_last: Memory layout; faster on most devices, same numbers.

    Raises:
        InputError: If the folder holds no segmentation network.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        weights: str = "packaged",
        tune: Literal["full", "frozen", "norms"] = "frozen",
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        # MONAI takes seconds to import: only where it is used.
        from ctt_net.models.segmentation import SegmentationNet

        if weights == "none":
            self.network = SegmentationNet()
        else:
            packaged = weights == "packaged"
            path = (WEIGHTS_FOLDER if packaged else Path(weights)) / ONNX_FILE
            self.network = SegmentationNet.read(path)
            self.origin = origin_of_file(path, "Apache-2.0" if packaged else None)
        self.rows, self.columns = len(LAYERS) + len(LESIONS), 1
        self.embed_dim = self.network.channels[0] + 1
        shape = (self.tokens, self.embed_dim)
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("deviation", torch.full(shape, USUAL_DEVIATION))
        if channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)
        self.tune = tune
        restrict(self.network, tune)
        self.train()  # Lightning trains in the mode it finds, and what is frozen stays in eval mode

    def forward(self, bscans: Tensor) -> Tensor:
        """Encode; see `Backbone.forward`."""
        scores = (self._measured(bscans) - self.mean) / self.deviation
        return scores.clamp(-LARGEST_SCORE, LARGEST_SCORE)

    @torch.no_grad()
    def initialise(self, bscans: Tensor) -> None:
        """See `Backbone.initialise`: mean and standard deviation of every token."""
        if len(bscans) < 2:
            return
        was_training = self.training
        tokens = torch.cat([self.eval()._measured(some) for some in bscans.split(8)])
        self.train(was_training)
        self.mean.copy_(tokens.mean(dim=0))
        self.deviation.copy_(tokens.std(dim=0) + LEAST_DEVIATION)

    def _measured(self, bscans: Tensor) -> Tensor:
        """Mean features and log area, (N, T, E)."""
        pixels = bscans.to(self.mean.dtype)
        # As `ctt_net.biomarkers.segmenter.normalised`: by the scan's own mean and deviation.
        pixels = pixels - pixels.mean(dim=(2, 3), keepdim=True)
        deviation = pixels.square().mean(dim=(2, 3), keepdim=True).sqrt()
        features, area = self.network.pooled(pixels / (deviation + 1.0))
        return torch.cat([features, area.log1p()[..., None]], dim=-1)

    def check_size(self, height: int, width: int, crop: str = "none") -> None:
        """See `Backbone.check_size`; the network knows whole pictures of one size."""
        if (height, width, crop) != (ROWS, COLUMNS, "none"):
            raise InputError(
                f"data.preprocessing: SegmentationBackbone takes whole scans of {ROWS}x{COLUMNS} "
                f"pixels (height by width), not {height}x{width} with crop {crop}; set "
                f"data.preprocessing to height: {ROWS}, width: {COLUMNS}, crop: none"
            )

    @classmethod
    def pretrained_size(cls, arguments: Mapping[str, Any]) -> tuple[int, int] | None:
        """See `Backbone.pretrained_size`."""
        return ROWS, COLUMNS
