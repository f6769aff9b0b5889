"""The network that segments a B-scan: ordered surfaces of the layers, and maps of lesions."""

from pathlib import Path
from typing import NamedTuple

import onnx
import torch
import torch.nn.functional as F  # noqa: N812
from monai.networks.nets import UNet
from onnx.numpy_helper import to_array
from torch import Tensor, nn

from ctt_net.errors import InputError
from ctt_net.imaging.segmentation import LAYERS, LESIONS
from ctt_net.io.onnx_file import check_no_external_data


class SegmentationOutput(NamedTuple):
    """What a network says of B scans of h x w.

    Args:
        layers: (B, 10, h, w) logits of `LAYERS`.
        lesions: (B, 6, h, w) logits of `LESIONS`.
    """

    layers: Tensor
    lesions: Tensor

    def surfaces(self) -> Tensor:
        """Expected row of every surface: (B, 9, w), pixel centres at whole numbers.

        Surface k lies below all rows of layers above it: its row is the sum over the A-scan of the
        probability that a pixel belongs to a layer above. Sums over fewer layers are never larger,
        so surfaces have one value an A-scan and never cross, by construction.
        """
        # A softmax written out: the sums are needed anyway; ONNX Runtime is slow along channels.
        layers = self.layers.float()
        sums = (layers - layers.amax(dim=1, keepdim=True)).exp().cumsum(dim=1)
        return (sums[:, :-1] / sums[:, -1:]).sum(dim=2) - 0.5


class SegmentationNet(nn.Module):
    """U-Net (Ronneberger 2015, arXiv 1505.04597; MONAI's, with residual units) on 2 x 2 patches.

    Four neighbouring pixels enter as channels and leave as channels (Shi 2016, arXiv 1609.05158):
    a quarter of the cost of a network at full resolution, with edges as sharp.

    Args:
        channels: Of the levels, from half resolution down, each half as large as the one before.
    """

    def __init__(self, channels: tuple[int, ...] = (24, 32, 48, 64, 96, 96)) -> None:
        super().__init__()
        self.channels = tuple(channels)
        self.split = nn.PixelUnshuffle(2)
        self.unet = UNet(
            spatial_dims=2,
            in_channels=4,
            out_channels=channels[0],
            channels=self.channels,
            strides=(2,) * (len(channels) - 1),
            num_res_units=1,
            act="relu",
            norm="batch",
        )
        self.read_out = nn.Conv2d(channels[0], 4 * (len(LAYERS) + len(LESIONS)), 1)
        # Lesions are rare: begin at 2 %, or the first epochs go into learning that.
        nn.init.constant_(self.read_out.bias[4 * len(LAYERS) :], -4.0)
        self.join = nn.PixelShuffle(2)

    @classmethod
    def read(cls, path: Path) -> "SegmentationNet":
        """The network of a `segmentation.onnx`, in evaluation mode.

        Args:
            path: File that `ctt-net train-segmenter` wrote.

        Raises:
            InputError: If it is missing or holds another network.
        """
        if not path.is_file():
            raise InputError(f"{path}: no such file; train one: ctt-net train-segmenter FOLDER")
        data = path.read_bytes()
        check_no_external_data(data, path)
        graph = onnx.load_model_from_string(data).graph
        state = {
            tensor.name.removeprefix("network."): torch.from_numpy(to_array(tensor).copy())
            for tensor in graph.initializer
        }
        own = cls()
        try:
            missing = own.load_state_dict(state, strict=False).missing_keys
        except RuntimeError:  # tensors of another shape
            missing = ["all"]
        if any(not name.endswith("num_batches_tracked") for name in missing):
            raise InputError(
                f"{path}: no segmentation network of this version; train one: "
                f"ctt-net train-segmenter FOLDER"
            )
        return own.eval()

    def forward(self, scans: Tensor) -> SegmentationOutput:
        """Segment.

        Args:
            scans: (B, 1, h, w) of mean 0 and SD 1, h and w multiples of 64.
        """
        return self._read(self.features(scans))

    def features(self, scans: Tensor) -> Tensor:
        """What layers and lesions are read from: (B, channels[0], h / 2, w / 2)."""
        return self.unet(self.split(scans))

    def pooled(self, scans: Tensor) -> tuple[Tensor, Tensor]:
        """Mean features under every layer and lesion, and the area of each.

        Returns:
            (B, 16, channels[0]), shrunk to 0 where it is not; (B, 16) area in pixels of h/2 x w/2.
        """
        features = self.features(scans)
        output = self._read(features)
        masks = torch.cat([output.layers.softmax(dim=1), output.lesions.sigmoid()], dim=1)
        masks = F.avg_pool2d(masks, 2)  # (B, 16, h / 2, w / 2)
        sums = torch.einsum("bmhw,bchw->bmc", masks, features)
        area = masks.sum(dim=(2, 3))
        return sums / (area[..., None] + 1.0), area

    def _read(self, features: Tensor) -> SegmentationOutput:
        maps = self.join(self.read_out(features))
        return SegmentationOutput(*maps.split([len(LAYERS), len(LESIONS)], dim=1))


class ExportedSegmentation(nn.Module):
    """The network as its ONNX graph gives it: rows and probabilities instead of logits.

    Args:
        network: Trained.
    """

    def __init__(self, network: SegmentationNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, scans: Tensor) -> tuple[Tensor, Tensor]:
        """Surfaces (B, 9, w) and lesions (B, 6, h, w)."""
        output = self.network(scans)
        return output.surfaces(), torch.sigmoid(output.lesions)
