"""The pretraining as a Lightning module: the network predicts lesions instead of acuity."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ctt_net.errors import InputError
from ctt_net.losses import JointLoss
from ctt_net.models.backbone import Backbone
from ctt_net.models.fusion import Fusion
from ctt_net.models.head import Head
from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.synthetic import KINDS
from ctt_net.training.module import AcuityModule
from ctt_net.training.pretrain.data import LINE_LOGMAR, Lesions, PretrainDataModule
from ctt_net.training.pretrain.figures import LesionMeter, flat
from ctt_net.types import EyeBatch


class LesionHead(nn.Module):
    """Lesions of a view from the mean of its tokens, of an eye from its fused token.

    Linear, so that it is backbone and fusion that have to find them; in lines of the chart, so that
    all outputs are of one size.

    Args:
        dim: Width D of the tokens.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.presence = nn.Linear(dim, len(KINDS))
        self.view_cost = nn.Linear(dim, len(KINDS))
        self.cost = nn.Linear(dim, len(KINDS))
        self.potential = nn.Linear(dim, 1)
        for layer in self.children():
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, tokens: Tensor, token: Tensor) -> Lesions:
        """Read.

        Args:
            tokens: (B, V, T, D) of the views.
            token: (B, D) fused.
        """
        view = tokens.mean(dim=2)
        return Lesions(
            self.presence(view).float(),
            LINE_LOGMAR * self.view_cost(view).float(),
            LINE_LOGMAR * self.cost(token).float(),
            LINE_LOGMAR * self.potential(token).float()[:, 0],
        )

    @torch.no_grad()
    def initialise(self, truth: Lesions, view_present: Tensor) -> None:
        """Begin with how common and how costly each kind is among the training eyes.

        Args:
            truth: Of E eyes, tensors.
            view_present: (E, V) bool.
        """
        there = view_present[..., None].float()  # (E, V, 1)
        scans = there.sum(dim=(0, 1))
        crossed = (truth.presence * there).sum(dim=(0, 1))
        # Half a scan more of either, so that a kind that never occurs has a finite logit.
        self.presence.bias.copy_(torch.log((crossed + 0.5) / (scans - crossed + 0.5)))
        total = (truth.view_cost * there).sum(dim=(0, 1))
        self.view_cost.bias.copy_(total / scans.clamp(min=1) / LINE_LOGMAR)
        self.cost.bias.copy_(truth.cost.mean(dim=0) / LINE_LOGMAR)
        self.potential.bias.fill_(truth.potential.mean() / LINE_LOGMAR)


class LesionLossParts(NamedTuple):
    """The sum, and what it is the sum of; scalars."""

    total: Tensor
    presence: Tensor
    view_cost: Tensor
    cost: Tensor
    potential: Tensor


@dataclass(frozen=True)
class LesionLoss:
    """Cross-entropy of presence and Huber losses of costs and potential, summed over the kinds.

    Args:
        presence_weight: Of the presence of each kind in each scan; 0 switches a term off.
        view_cost_weight: Of the logMAR that each kind takes as far as this scan crosses it.
        cost_weight: Of the logMAR that each kind takes, from the fused token.
        potential_weight: Of the retinal potential, from the fused token.

    Raises:
        InputError: If a weight is negative or no number, or all are 0.
    """

    presence_weight: float = 1.0
    view_cost_weight: float = 1.0
    cost_weight: float = 1.0
    potential_weight: float = 1.0

    def __post_init__(self) -> None:
        for name, weight in asdict(self).items():
            if not 0 <= weight < float("inf"):
                raise InputError(f"model.loss.{name} must be 0 or more, got {weight}")
        if not any(asdict(self).values()):
            raise InputError("model.loss: all weights are 0, so there is nothing to learn")

    def __call__(self, found: Lesions, truth: Lesions, view_present: Tensor) -> LesionLossParts:
        """Compare B eyes with their truth; views (B, V) that are absent do not count."""
        there = view_present[..., None].float()
        scans = there.sum().clamp(min=1)
        presence = F.binary_cross_entropy_with_logits(
            found.presence, truth.presence, reduction="none"
        )
        parts = (
            (presence * there).sum() / scans,
            (_lines(found.view_cost, truth.view_cost) * there).sum() / scans,
            _lines(found.cost, truth.cost).sum(dim=1).mean(),
            _lines(found.potential, truth.potential).mean(),
        )
        weights = (
            self.presence_weight, self.view_cost_weight, self.cost_weight, self.potential_weight,
        )  # fmt: skip
        total = sum(weight * part for weight, part in zip(weights, parts, strict=True))
        return LesionLossParts(total, *parts)


def _lines(found: Tensor, truth: Tensor) -> Tensor:
    """Squared up to an error of one line, straight beyond (Huber 1964); in lines."""
    return F.huber_loss(found / LINE_LOGMAR, truth / LINE_LOGMAR, reduction="none")


# What picks the checkpoint.
MONITOR = "val/potential_mae"


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
            clinical_start=False,
            deep_supervision=None,
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
        self.val_truth = TruthTable(data.targets_of("val"))
        self.meter = LesionMeter(tuple(data.cohort.spec.views))
        table = data.part("train")
        self.initialise_inputs(data, table)
        present = torch.from_numpy(data.scans.present[data.positions(table)])
        self.head.initialise(self.train_truth(torch.arange(len(present))), present)

    def training_step(self, batch: EyeBatch, _: int) -> Tensor:
        """One step; logs the loss and its parts."""
        parts = self._compare(self.read(batch), self.train_truth(batch.position), batch)
        return self._logged(parts._asdict(), batch)

    def validation_step(self, batch: EyeBatch, _: int) -> None:
        """Loss, and what the figures are made of."""
        found, truth = self.read(batch), self.val_truth(batch.position)
        parts = self._compare(found, truth, batch)
        self._check_number(parts.total, "validation")
        self.log("val/loss", parts.total, batch_size=len(batch.position), sync_dist=True)
        self.meter.update(found, truth, self.used_views(batch.view_present))

    def on_validation_epoch_end(self) -> None:
        """Figures of the validation split."""
        for name, value in flat(self.meter.compute()).items():
            shown = f"val/{name}" == MONITOR
            self.log(f"val/{name}", value, prog_bar=shown, sync_dist=True)
        self.meter.reset()

    def read(self, batch: EyeBatch) -> Lesions:
        """Lesions of B eyes."""
        eyes = self.network.fusion_input(
            batch.views, batch.view_present, batch.preop_logmar, batch.covariates
        )
        return self.head(eyes.tokens, self.network.fusion(eyes))

    def used_views(self, view_present: Tensor) -> Tensor:
        """The views that are there and that the fusion takes in: (B, V) bool."""
        return self.network.fusion.used_views(view_present)

    def _compare(self, found: Lesions, truth: Lesions, batch: EyeBatch) -> LesionLossParts:
        present = self.used_views(batch.view_present)
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
