"""The network of a training, asked for lesions instead of acuity."""

from typing import Any, cast

import torch
from torch import Tensor, nn

from ctt_net.data.scans import Scans
from ctt_net.losses import JointLoss
from ctt_net.models.backbone import Backbone
from ctt_net.models.fusion import Fusion
from ctt_net.models.head import Head
from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.training.module import AcuityModule
from ctt_net.training.pretrain.data import PretrainDataModule
from ctt_net.training.pretrain.figures import LesionMeter, flat
from ctt_net.training.pretrain.head import LesionHead
from ctt_net.training.pretrain.loss import LesionLoss, LesionLossParts
from ctt_net.training.pretrain.targets import Lesions
from ctt_net.types import EyeBatch

# What picks the checkpoint.
MONITOR = "selection/potential_mae"


class PretrainModule(AcuityModule):
    """Trains backbone, projection, embeddings, covariates and fusion as `AcuityModule` does.

    The preoperative acuity enters the fusion as in a training; it says nothing of which lesion
    there is, nor which view crosses it.

    Args:
        backbone: Encodes a B-scan.
        fusion: Joins the views and the preop acuity.
        loss: What is minimised.
        kwargs: Architecture and optimiser, as of `AcuityModule`.
    """

    def __init__(
        self,
        backbone: Backbone,
        fusion: Fusion,
        loss: LesionLoss,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            backbone=backbone,
            fusion=fusion,
            # Neither is a head's nor a training's, but their places in the network are the same.
            head=cast(Head, LesionHead(fusion.dim)),
            loss=cast(JointLoss, loss),
            outcomes=DEFAULT_OUTCOMES,
            start_from=None,
            **kwargs,
        )

    @property
    def head(self) -> LesionHead:
        """What reads lesions from the tokens."""
        return cast(LesionHead, self.network.head)

    def setup(self, stage: str) -> None:
        """Take the truth in, and start the readout from the training eyes."""
        if stage != "fit":
            return
        data: PretrainDataModule = self.trainer.datamodule
        self.train_truth = TruthTable(data.targets_of("train"))
        self.selection_truth = TruthTable(data.targets_of("selection"))
        self.meter = LesionMeter(tuple(data.cohort.spec.views))
        table = data.part("train")
        if self.network.covariates is not None:
            self.network.covariates.start_from(torch.tensor(data.covariate_values(table)))
        scans: Scans = data.scans_of(table)
        every = torch.arange(len(scans.present))
        self.head.start_from(self.train_truth(every), torch.from_numpy(scans.present))

    def training_step(self, batch: EyeBatch, _: int) -> Tensor:
        """One step; logs the loss and its parts."""
        parts = self._compare(self.read(batch), self.train_truth(batch.position), batch)
        return self._logged(parts, batch)

    def validation_step(self, batch: EyeBatch, _: int) -> None:
        """Loss, and what the figures are made of."""
        found, truth = self.read(batch), self.selection_truth(batch.position)
        parts = self._compare(found, truth, batch)
        self._check_number(parts.total, "validation")
        self.log("selection/loss", parts.total, batch_size=len(batch.position), sync_dist=True)
        self.meter.update(found, truth, self.looked_at(batch.view_present))

    def on_validation_epoch_end(self) -> None:
        """Figures of the selection split."""
        for name, value in flat(self.meter.compute()).items():
            shown = f"selection/{name}" == MONITOR
            self.log(f"selection/{name}", value, prog_bar=shown, sync_dist=True)
        self.meter.reset()

    def read(self, batch: EyeBatch) -> Lesions:
        """Lesions of B eyes."""
        net, present = self.network, self.looked_at(batch.view_present)
        tokens = net.encode(batch.views, present)
        preop, known = net.acuity(batch.preop_logmar)
        token = net.fuse(tokens, present, preop, known, batch.covariates)
        return self.head(tokens, token)

    def looked_at(self, view_present: Tensor) -> Tensor:
        """The views that are there and that the fusion takes in: (B, V) bool."""
        return self.network.fusion.looked_at(view_present)

    def _compare(self, found: Lesions, truth: Lesions, batch: EyeBatch) -> LesionLossParts:
        present = self.looked_at(batch.view_present)
        return cast(LesionLoss, self.loss)(found, truth, present)


class TruthTable(nn.Module):
    """Lesions of all eyes of a part, on the device of the network; no part of a checkpoint.

    Args:
        truth: As simulated, arrays.
    """

    def __init__(self, truth: Lesions) -> None:
        super().__init__()
        for name, values in truth._asdict().items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def forward(self, position: Tensor) -> Lesions:
        """Rows of the part: (B,) -> truth of B eyes."""
        return Lesions(*(getattr(self, name) for name in Lesions._fields)).of(position)
