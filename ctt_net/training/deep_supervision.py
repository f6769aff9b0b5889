"""Deep supervision: the outcome is predicted amid the backbone, too, as long as it trains."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ctt_net.errors import InputError
from ctt_net.losses import JointLoss
from ctt_net.models import MultiViewNet
from ctt_net.models.backbone import Backbone
from ctt_net.models.backbone.grid import maximum_of_cells, mean_of_cells
from ctt_net.models.fusion.base import mean_over_present
from ctt_net.models.head import Head, ResidualHead
from ctt_net.types import EyeBatch, Prediction


@dataclass(frozen=True)
class DeepSupervision:
    """Auxiliary heads on feature maps of the backbone (Lee et al. 2015, arXiv 1409.5185).

    The loss becomes `main + weight * mean of theirs`. They are dropped after the training: the
    model folder is the same with and without. Of a frozen backbone only they learn.

    Args:
        stages: Numbers of the stages that are read, 0 = nearest to the scan. Their receptive
            fields: `python -m benchmarks.receptive_fields`.
        weight: Of the mean of the auxiliary losses, each of which is the loss of the main head.

    Raises:
        InputError: If no stage is named, one twice, or the weight is not positive.
    """

    stages: Sequence[int]
    weight: float = 0.3  # as of the auxiliary heads of Szegedy et al. 2015, arXiv 1409.4842

    def __post_init__(self) -> None:
        """Refuse what would supervise nothing."""
        stages = list(self.stages)
        if not stages or len(set(stages)) < len(stages) or min(stages) < 0:
            raise InputError(
                f"model.deep_supervision.stages must be different numbers from 0, at least one, "
                f"got {stages}"
            )
        if not 0 < self.weight < float("inf"):
            raise InputError(
                f"model.deep_supervision.weight must be positive, got {self.weight}; to switch it "
                f"off set model.deep_supervision to null"
            )


class StageHeads(nn.Module):
    """A linear head on each chosen stage, beside the network, not in it.

    It reads mean and maximum of the stage's features in each scan, as the small backbones' tokens
    are made, averaged over the views that are there: being linear, it thereby averages what it
    says of each view. It starts from the line in the preoperative acuity, as `ResidualHead` does.

    Args:
        supervision: What is read.
        network: That is read; its backbones are of one kind.

    Raises:
        InputError: If the backbone has no such stage.
    """

    def __init__(self, supervision: DeepSupervision, network: MultiViewNet) -> None:
        super().__init__()
        self.stages, self.weight = tuple(supervision.stages), supervision.weight
        stages = network.backbone[0].stages()
        if max(self.stages) >= len(stages):
            name = type(network.backbone[0]).__name__
            known = f"stages 0 to {len(stages) - 1}" if stages else "no stages that can be read"
            raise InputError(
                f"model.deep_supervision.stages: {name} has {known}, got {list(self.stages)}; name "
                f"others, or set model.deep_supervision to null"
            )
        self.heads = nn.ModuleList(
            ResidualHead(
                2 * stages[stage].channels,
                network.head.outcomes,
                hidden=0,
                dropout=0.0,
                distribution="gaussian",
            )
            for stage in self.stages
        )

    def initialise(self, preop_logmar: Tensor, postop_logmar: Tensor) -> None:
        """See `Head.initialise`."""
        for head in self.heads:
            cast(Head, head).initialise(preop_logmar, postop_logmar)

    def forward(
        self, network: MultiViewNet, batch: EyeBatch
    ) -> tuple[Prediction, list[Prediction]]:
        """Predict by the network, in train mode, and by each head on the way."""
        with self._reading(network.backbone) as read:
            prediction: Prediction = network(
                batch.views, batch.view_present, batch.preop_logmar, batch.covariates
            )
        present = network.fusion.used_views(batch.view_present)
        preop, known = network.known_preop(batch.preop_logmar)
        amid = []
        for head, features in zip(self.heads, zip(*read, strict=True), strict=True):
            amid.append(head(_of_eyes(features, present, head.dim), preop, known))
        return prediction, amid

    def loss(self, amid: list[Prediction], batch: EyeBatch, loss: JointLoss) -> Tensor:
        """Mean of the heads' losses, each as that of the main head.

        Args:
            amid: Of the heads.
            batch: The same eyes.
            loss: Of the network.
        """
        pairs = zip(amid, self.heads, strict=True)
        return torch.stack([loss(one, batch, cast(Head, head)).total for one, head in pairs]).mean()

    @contextmanager
    def _reading(self, backbones: Sequence[Backbone]) -> Iterator[list[list[list[Tensor]]]]:
        """Pooled features by backbone and stage; nothing where no scan was encoded."""
        read: list[list[list[Tensor]]] = [[[] for _ in self.stages] for _ in backbones]
        with ExitStack() as stack:
            for backbone, of_stages in zip(backbones, read, strict=True):
                stages = backbone.stages()
                for stage, found in zip(self.stages, of_stages, strict=True):
                    hook = stages[stage].layer.register_forward_hook(_pooled_into(found))
                    stack.callback(hook.remove)
            yield read


def _pooled_into(found: list[Tensor]) -> Callable[[nn.Module, Any, Tensor], None]:
    """A hook that appends mean and maximum of a feature map, (N, 2C)."""

    def keep(_layer: nn.Module, _inputs: Any, features: Tensor) -> None:
        cells = [mean_of_cells(features, 1, 1), maximum_of_cells(features, 1, 1)]
        found.append(torch.cat(cells, dim=2)[:, 0])

    return keep


def _of_eyes(features: Sequence[list[Tensor]], present: Tensor, width: int) -> Tensor:
    """Mean over the views that are there, (B, 2C), zero where none is.

    Args:
        features: By backbone (one, or one per view) the features of the scans that are there.
        present: (B, V) bool.
        width: 2C.
    """
    if len(features) == 1:
        scans = _in_rows(features[0], present.flatten(), width).unflatten(0, present.shape)
    else:
        each = zip(features, present.unbind(dim=1), strict=False)
        scans = torch.stack([_in_rows(found, there, width) for found, there in each], dim=1)
    return mean_over_present(scans, present)


def _in_rows(found: list[Tensor], present: Tensor, width: int) -> Tensor:
    rows = torch.zeros(len(present), width, device=present.device)
    return rows.index_copy(0, present.nonzero()[:, 0], found[0].to(rows.dtype)) if found else rows
