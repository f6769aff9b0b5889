"""The training of the segmentation network as a Lightning module."""

import pytorch_lightning as pl
import torch
import torch.nn.functional as F  # noqa: N812
from monai.losses import DiceLoss
from torch import Tensor

from ctt_net.models.segmentation import SegmentationNet, SegmentationOutput
from ctt_net.training.segmentation.data import lesion_maps

Batch = tuple[Tensor, Tensor, Tensor, Tensor]

# Weight of a row of error in the place of a surface, against the cross-entropy of its layers.
SURFACE_WEIGHT = 0.1
# Of the cross-entropy of lesions, which are a hundredth of the pixels.
LESION_WEIGHT = 10.0
# A step compares every fourth A-scan, from a random first one: neighbours say nearly the same, and
# the losses at full size would cost three times what the network does.
A_SCAN_STEP = 4


class SegmentationModule(pl.LightningModule):
    """Cross-entropy of layers, distance of surfaces, cross-entropy and Dice of lesions.

    Args:
        network: What is trained.
        learning_rate: Highest of a one-cycle schedule (Smith 2018, arXiv 1708.07120).
    """

    def __init__(self, network: SegmentationNet, learning_rate: float = 3e-3) -> None:
        super().__init__()
        self.network = network
        self.learning_rate = learning_rate
        self.dice = DiceLoss(sigmoid=True, batch=True)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """One step."""
        scans, *truth = batch
        first = int(torch.randint(A_SCAN_STEP, ()))
        some = slice(first, None, A_SCAN_STEP)
        output = SegmentationOutput(*(maps[..., some] for maps in self.network(scans)))
        surfaces, bits, visible = (part[..., some] for part in truth)
        losses = segmentation_loss(output, surfaces, lesion_maps(bits), visible, self.dice)
        for name, value in losses.items():
            self.log(f"train/{name}", value, on_step=False, on_epoch=True, prog_bar=True)
        return losses["loss"]

    def configure_optimizers(self) -> dict[str, object]:
        """AdamW, one cycle."""
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.learning_rate, weight_decay=1e-4)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.learning_rate, int(self.trainer.estimated_stepping_batches) + 1
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def segmentation_loss(
    output: SegmentationOutput, surfaces: Tensor, lesions: Tensor, visible: Tensor, dice: DiceLoss
) -> dict[str, Tensor]:
    """The sum (`loss`), and what it is the sum of.

    Args:
        output: Of B scans.
        surfaces: (B, 9, w) true rows.
        lesions: (B, 6, h, w) 0 or 1.
        visible: (B, w); other A-scans do not count.
        dice: MONAI's, of lesions.
    """
    height = output.layers.shape[2]
    shown = visible[:, None].float()  # (B, 1, w)
    rows = torch.arange(height, device=surfaces.device)[:, None]
    layers = (rows >= surfaces[:, :, None]).sum(dim=1)
    by_pixel = F.cross_entropy(output.layers.float(), layers, reduction="none")
    of_layers = (by_pixel * shown).sum() / (shown.sum() * height).clamp(min=1)
    # A surface beyond the window has no place in it to be wrong by.
    inside = shown * ((surfaces > 0) & (surfaces < height - 1))
    away = F.smooth_l1_loss(output.surfaces(), surfaces, reduction="none")
    of_surfaces = (away * inside).sum() / inside.sum().clamp(min=1)
    logits = output.lesions.float()
    by_lesion = F.binary_cross_entropy_with_logits(logits, lesions)
    of_lesions = LESION_WEIGHT * by_lesion + dice(logits, lesions)
    return {
        "loss": of_layers + SURFACE_WEIGHT * of_surfaces + of_lesions,
        "layers": of_layers,
        "surface_rows": of_surfaces,
        "lesions": of_lesions,
    }
