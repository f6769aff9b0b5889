"""The generator of both views of an eye, and the networks that judge what it makes."""

import torch
import torch.nn.functional as F  # noqa: N812
from monai.networks.blocks import Convolution, ResidualUnit
from monai.networks.nets import PatchDiscriminator
from torch import Tensor, nn

from ctt_net.imaging.segmentation import LAYERS, LESIONS
from ctt_net.training.segmentation.data import lesion_maps

LABELS = len(LAYERS) + len(LESIONS)
# What `ViewsNet` tells apart: the eye's two views in order, the other way round, of two eyes.
IN_ORDER, SWAPPED, TWO_EYES = range(3)


def label_maps(surfaces: Tensor, bits: Tensor) -> Tensor:
    """Layers (one-hot) and lesions at a quarter of the truth's size: (B, 16, h / 4, w / 4).

    Args:
        surfaces: (B, 9, w) rows.
        bits: (B, h, w), bit k is set where lesion k is.
    """
    rows = 4.0 * torch.arange(bits.shape[1] // 4, device=bits.device)[:, None] + 1.5
    columns = F.avg_pool1d(surfaces, 4)  # (B, 9, w / 4)
    layers = (rows >= columns[:, :, None]).sum(dim=1)
    one_hot = F.one_hot(layers, len(LAYERS)).permute(0, 3, 1, 2).float()
    return torch.cat([one_hot, F.avg_pool2d(lesion_maps(bits), 4)], dim=1)


class Generator(nn.Module):
    """Changes both views of an eye together, by at most `bound` a pixel; at first by nothing.

    Args:
        channels: Width, at half resolution.
        blocks: Residual units.
        bound: Largest change, as a share of full brightness.
    """

    def __init__(self, channels: int = 32, blocks: int = 4, bound: float = 0.25) -> None:
        super().__init__()
        self.bound = bound
        self.split, self.join = nn.PixelUnshuffle(2), nn.PixelShuffle(2)
        self.body = nn.Sequential(
            Convolution(2, 2 * (4 + LABELS + 1), channels, norm="instance", act="relu"),
            *(
                ResidualUnit(2, channels, channels, norm="instance", act="relu")
                for _ in range(blocks)
            ),
            nn.Conv2d(channels, 32, 3, padding=1),
        )
        # At full resolution, or the four pixels of a patch would differ as a grid.
        self.last = nn.Conv2d(8, 2, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, views: Tensor, labels: Tensor, noise: Tensor) -> Tensor:
        """Translate.

        Args:
            views: (B, 2, h, w) horizontal and vertical, 0 to 1.
            labels: (B, 2, 16, h / 2, w / 2) as of `label_maps`.
            noise: (B, 2, h / 2, w / 2) of mean 0 and SD 1, from which grain is made.

        Returns:
            (B, 2, h, w), 0 to 1.
        """
        known = torch.cat([self.split(views), labels.flatten(1, 2), noise], dim=1)
        change = self.bound * torch.tanh(self.last(self.join(self.body(known))))
        return (views + change).clamp(0.0, 1.0)


class Discriminator(nn.Module):
    """PatchGAN (Isola 2017, arXiv 1611.07004), MONAI's, of one view.

    It sees 34 x 34 pixels at a time, the look of a scan rather than its anatomy, so that horizontal
    real scans can stand for vertical ones too. With a spectral norm (Miyato 2018) in place of batch
    norm it learned more slowly still.
    """

    def __init__(self, channels: int = 24) -> None:
        super().__init__()
        self.patches = PatchDiscriminator(2, channels, 1, num_layers_d=2)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 1, h, w) 0 to 1 to (B, 1, h / 4 - 2, w / 4 - 2), 1 = real; scans are dark."""
        verdict: Tensor = self.patches(8.0 * (pictures - 0.15))[-1]
        return verdict


class ViewsNet(nn.Sequential):
    """Tells whether two pictures (B, 2, h, w) are the views of one eye, and their order: (B, 3)."""

    def __init__(self, channels: int = 16) -> None:
        widths = (2, channels, 2 * channels, 4 * channels, 4 * channels)
        super().__init__(
            nn.AvgPool2d(2),
            *(
                Convolution(2, widths[k], widths[k + 1], strides=2, norm="batch", act="relu")
                for k in range(4)
            ),
            nn.AdaptiveAvgPool2d((2, 4)),
            nn.Flatten(),
            nn.Linear(8 * widths[-1], 3),
        )

    def loss(self, views: Tensor) -> Tensor:
        """Cross-entropy of its answers on pairs (B, 2, h, w) of B eyes."""
        return F.cross_entropy(*self.asked(views))

    def asked(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Its logits (3 B, 3), and the answers (3 B,): pairs in order, swapped, of two eyes."""
        two_eyes = torch.stack([views[:, 0], views[:, 1].roll(1, dims=0)], dim=1)
        answers = torch.tensor([IN_ORDER, SWAPPED, TWO_EYES], device=views.device)
        logits: Tensor = self(torch.cat([views, views.flip(1), two_eyes]))
        return logits, answers.repeat_interleave(len(views))
