"""What is minimised on simulated eyes."""

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ctt_net.errors import InputError
from ctt_net.training.pretrain.targets import LINE_LOGMAR, Lesions


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
