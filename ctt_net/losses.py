"""What is minimised: a regression loss on acuity and an auxiliary classification loss."""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ctt_net.errors import InputError
from ctt_net.models.head import Head
from ctt_net.outcome import TOLERANCE_LOGMAR
from ctt_net.sample import EyeBatch, Prediction


class LossParts(NamedTuple):
    """The sum, and what it is the sum of; scalars."""

    total: Tensor
    regression: Tensor
    recovery: Tensor


class JointLoss(nn.Module):
    r"""The head's own regression loss plus cross-entropy of the recovery questions.

    The joint loss of CTT-Net (Wang et al., BIBM 2022) with two changes: the regression is in logMAR
    and learns its own scale, since poor acuity is measured with more noise (Leinonen et al. 2005),
    and the classification is a probability, not a hinge:

        head.loss  +  recovery_weight * mean_k BCE(logit_k, label_k)

    Labels that an unknown preop acuity leaves open are left out.

    Args:
        recovery_weight: Weight of the second term; 0 switches it off.

    Raises:
        InputError: If the weight is negative or no number.
    """

    def __init__(self, recovery_weight: float = 0.5) -> None:
        super().__init__()
        if not 0 <= recovery_weight < float("inf"):
            raise InputError(f"loss.recovery_weight must be 0 or more, got {recovery_weight}")
        self.recovery_weight = recovery_weight

    def forward(self, prediction: Prediction, batch: EyeBatch, head: Head) -> LossParts:
        """Compare B predictions with the truth; every `batch.postop_logmar` must be known."""
        regression = head.loss(prediction, batch.postop_logmar)
        margins = torch.stack(
            [outcome.margin(batch.preop_logmar, batch.postop_logmar) for outcome in head.outcomes],
            dim=1,
        )
        decided = margins.isfinite()
        label = (margins >= -TOLERANCE_LOGMAR).to(margins.dtype)
        logit = torch.where(decided, prediction.recovery_logit, 0.0)
        each = F.binary_cross_entropy_with_logits(logit, label, reduction="none")
        recovery = (each * decided).sum() / decided.sum().clamp(min=1)
        return LossParts(regression + self.recovery_weight * recovery, regression, recovery)
