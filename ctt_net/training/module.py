"""The Lightning module: one network, its loss and its optimiser."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torchmetrics import MeanAbsoluteError

from ctt_net.cohort import exactly_known
from ctt_net.data.module import EyeDataModule
from ctt_net.errors import InputError
from ctt_net.losses import JointLoss
from ctt_net.models import MultiViewNet
from ctt_net.models.backbone import Backbone
from ctt_net.models.covariates import CovariateEncoder
from ctt_net.models.fusion import Fusion
from ctt_net.models.head import Head
from ctt_net.models.multi_view_net import Sharing
from ctt_net.outcome import DEFAULT_OUTCOMES, Outcome
from ctt_net.training.deep_supervision import DeepSupervision, StageHeads
from ctt_net.training.schedule import AdamWOneCycle, Optimisation, parameter_groups
from ctt_net.types import EyeBatch, Prediction

# What picks the checkpoint and stops the training.
MONITOR = "val/mae"
# Means and deviations need no more, and a pass over every scan of a large cohort takes minutes.
SCANS_TO_SCALE_BY = 256


class AcuityModule(pl.LightningModule):
    """Trains a `MultiViewNet`.

    Args:
        backbone: Encodes a B-scan.
        fusion: Joins the views and the preop acuity.
        head: From the fused token to acuity, scale and recovery.
        loss: What is minimised.
        num_views: Taken from the cohort.
        outcomes: Recovery outcomes.
        covariates: Turns covariates into tokens; null leaves them out, as does a cohort of none.
        learning_rate: Of everything but the backbone.
        backbone_learning_rate: Of the backbone; `learning_rate` if null. Pretrained ones want less.
        backbone_layer_decay: Each layer of the backbone learns at this times the rate of the next
            one towards the fusion; 1 = one rate, 0.65 to 0.9 are usual for pretrained ones.
        weight_decay: Of matrices; biases, norms and embeddings have none.
        sharing: What serves all views, see `MultiViewNet`: `all`, `backbone` or `none`.
        place_embeddings: Whether tokens learn which view and which part of the scan they are from.
        use_preop_va: False hides the preoperative acuity from the whole network.
        optimisation: Optimiser and schedule; null = `AdamWOneCycle`.
        start_from: Folder of a pretraining, or model folder of another training, whose backbone,
            projection, embeddings, fusion and covariates are taken over as far as they fit.
        clinical_start: Predictions start from a predictor without images that is fitted in each
            fold, and the network moves them only as far as held-out eyes support; false = the
            network's own output.
        deep_supervision: Auxiliary heads amid the backbone while it trains; null = none.
    """

    def __init__(
        self,
        backbone: Backbone,
        fusion: Fusion,
        head: Head,
        loss: JointLoss,
        num_views: int = 2,
        outcomes: Sequence[Outcome] = DEFAULT_OUTCOMES,
        covariates: CovariateEncoder | None = None,
        learning_rate: float = 1e-3,
        backbone_learning_rate: float | None = None,
        backbone_layer_decay: float = 1.0,
        weight_decay: float = 0.05,
        sharing: Sharing = "all",
        place_embeddings: bool = True,
        use_preop_va: bool = True,
        optimisation: Optimisation | None = None,
        start_from: str | None = None,
        clinical_start: bool = False,
        deep_supervision: DeepSupervision | None = None,
    ) -> None:
        super().__init__()
        for name, rate in (("", learning_rate), ("backbone_", backbone_learning_rate)):
            if rate is not None and rate <= 0:
                raise InputError(f"model.{name}learning_rate must be positive, got {rate}")
        names = [outcome.name for outcome in outcomes]
        if not names or len(set(names)) < len(names) or "recovery" in names:
            raise InputError(
                f"model.outcomes: give one or more outcomes, each with a name of its own and none "
                f"called 'recovery'; got {names}"
            )
        if clinical_start and not use_preop_va:
            raise InputError(
                "model.clinical_start: needs the preoperative acuity, which model.use_preop_va "
                "hides; set one of the two to its opposite"
            )
        if covariates is not None and covariates.num_covariates == 0:
            covariates = None
        self.network = MultiViewNet(
            backbone, fusion, head, num_views, covariates, sharing, place_embeddings, use_preop_va
        )
        # After the network, whose first weights are thereby the same with and without.
        self.stage_heads = (
            None if deep_supervision is None else StageHeads(deep_supervision, self.network)
        )
        self.loss = loss
        self.outcomes = tuple(outcomes)
        self.learning_rate = learning_rate
        self.backbone_learning_rate = (
            learning_rate if backbone_learning_rate is None else backbone_learning_rate
        )
        self.backbone_layer_decay = backbone_layer_decay
        self.weight_decay = weight_decay
        self.optimisation = optimisation or AdamWOneCycle()
        self.start_from = start_from
        self.clinical_start = clinical_start
        self.val_mae = MeanAbsoluteError()

    def setup(self, stage: str) -> None:
        """Start from the training eyes; a checkpoint that is resumed overwrites it."""
        if stage == "fit":
            data = self.trainer.datamodule
            table = data.part("train")
            self.initialise_inputs(data, table)
            table = exactly_known(table)
            columns = ("preop_logmar", "postop_logmar")
            logmar = [torch.tensor(table[name].to_numpy("float32")) for name in columns]
            self.network.head.initialise(*logmar)
            if self.stage_heads is not None:
                self.stage_heads.initialise(*logmar)

    def initialise_inputs(self, data: EyeDataModule, table: pd.DataFrame) -> None:
        """Scale what comes in by the training eyes.

        Args:
            data: Of the training.
            table: Rows of the training eyes.
        """
        if self.network.covariates is not None:
            self.network.covariates.initialise(torch.tensor(data.covariate_values(table)))
        rows = data.positions(table)
        eyes, views = data.scans.present[rows].nonzero()
        for view, backbone in enumerate(self.network.backbone):
            own = np.flatnonzero(views == view) if len(self.network.backbone) > 1 else slice(None)
            places = np.stack([rows[eyes[own]], views[own]])
            chosen = places[:, :: 1 + places.shape[1] // SCANS_TO_SCALE_BY]
            backbone.initialise(torch.from_numpy(data.scans.pixels[tuple(chosen)])[:, None])

    def training_step(self, batch: EyeBatch, _: int) -> Tensor:
        """One step; logs the loss and its parts."""
        heads = self.stage_heads
        if heads is None:
            parts = self.loss(self._predict(batch), batch, self.network.head)._asdict()
            return self._logged(parts, batch)
        prediction, amid = heads(self.network, batch)
        parts = self.loss(prediction, batch, self.network.head)._asdict()
        parts["deep_supervision"] = heads.loss(amid, batch, self.loss)
        parts["total"] = parts["total"] + heads.weight * parts["deep_supervision"]
        return self._logged(parts, batch)

    def _logged(self, parts: dict[str, Tensor], batch: EyeBatch) -> Tensor:
        """Log the parts of a loss, and give their total back."""
        self._check_number(parts["total"], "training")
        for name, value in parts.items():
            self.log(
                "train/loss" if name == "total" else f"train/{name}",
                value,
                prog_bar=name == "total",
                on_step=False,
                on_epoch=True,
                sync_dist=True,
                batch_size=len(batch.position),
            )
        return parts["total"]

    def _check_number(self, loss: Tensor, part: str) -> None:
        """Stop where nothing can be learned any more.

        Raises:
            InputError: If the loss is infinite or not a number.
        """
        if not torch.isfinite(loss):
            precision = str(self.trainer.precision)
            exact = (
                ""
                if precision.startswith(("32", "64"))
                else (f", or set trainer.precision to 32-true (now {precision})")
            )
            raise InputError(
                f"the {part} loss is {loss.item():g} in epoch {self.current_epoch + 1}: the "
                f"training has diverged; lower model.learning_rate (now {self.learning_rate:g})"
                f"{exact}"
            )

    def validation_step(self, batch: EyeBatch, _: int) -> None:
        """MAE and loss on the validation split."""
        prediction = self._predict(batch)
        parts = self.loss(prediction, batch, self.network.head)
        self._check_number(parts.total, "validation")
        truth = batch.postop_logmar
        exact = truth.isfinite()
        self.val_mae(prediction.postop_logmar[exact], truth[exact])
        size = len(batch.position)
        self.log("val/loss", parts.total, batch_size=size, sync_dist=True)
        self.log(MONITOR, self.val_mae, prog_bar=True, batch_size=size)

    def _predict(self, batch: EyeBatch) -> Prediction:
        return self.network(batch.views, batch.view_present, batch.preop_logmar, batch.covariates)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimiser and its schedule, which is stepped after every batch."""
        groups = parameter_groups(
            self.network,
            self.learning_rate,
            self.backbone_learning_rate,
            self.weight_decay,
            self.backbone_layer_decay,
            self.stage_heads,
        )
        steps = int(self.trainer.estimated_stepping_batches)
        optimizer, scheduler = self.optimisation(groups, steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }
