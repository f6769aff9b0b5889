"""The loss: regression on acuity and auxiliary classification of recovery."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ctt_net.errors import InputError
from ctt_net.models.head import Head
from ctt_net.types import EyeBatch, Prediction

# Not `off`, which YAML reads as a truth value.
Auxiliary = Literal["bce", "hinge", "none"]


class LossParts(NamedTuple):
    """The sum, and what it is the sum of; scalars."""

    total: Tensor
    regression: Tensor
    recovery: Tensor


class JointLoss(nn.Module):
    r"""The head's own regression loss plus an auxiliary one on the recovery outcomes.

    The joint loss of CTT-Net (Wang et al., BIBM 2022) with two changes by default: the regression
    is in logMAR and learns its own scale, since poor acuity is measured with more noise (Leinonen
    et al. 2005), and the classification is a probability, not a hinge:

        head.loss  +  recovery_weight * mean_k BCE(logit_k, label_k)

    Labels that an unknown preop acuity leaves open are left out, and so are those that the bounds
    of an outcome leave open.

    Args:
        recovery_weight: Weight of the second term.
        auxiliary: The second term: `bce` (cross-entropy of the recovery logits), `hinge` (as
            published: |margin| of the head where its sign is wrong, without any distance that would
            be enough, in the head's own unit) or `none`. Without it the cross-entropy is still
            measured, and `recovery_weight` has no meaning.
        outcomes: Names of the outcomes in the second term; all by default. The others are still
            reported.

    Raises:
        InputError: If the weight is not positive or the term unknown.
    """

    def __init__(
        self,
        recovery_weight: float = 0.5,
        auxiliary: Auxiliary = "bce",
        outcomes: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        if auxiliary not in get_args(Auxiliary):
            raise InputError(
                f"loss.auxiliary must be one of {', '.join(get_args(Auxiliary))}, got {auxiliary!r}"
            )
        if not 0 < recovery_weight < float("inf"):
            raise InputError(
                f"loss.recovery_weight must be positive, got {recovery_weight}; to switch the "
                f"second term off set auxiliary to none"
            )
        self.recovery_weight = recovery_weight
        self.auxiliary = auxiliary
        self.outcomes = None if outcomes is None else tuple(outcomes)

    def forward(self, prediction: Prediction, batch: EyeBatch, head: Head) -> LossParts:
        """Compare B predictions with the truth, of which bounds at the least must be known."""
        best, worst = batch.postop_lower_logmar, batch.postop_upper_logmar
        regression = head.loss(prediction, best, worst)
        chosen = self._chosen(head)
        truth = []
        for outcome in (head.outcomes[k] for k in chosen):
            label = outcome.decided_yes(batch.preop_logmar, worst)
            known = ~outcome.margin(batch.preop_logmar, worst).isnan()
            agreed = label == outcome.decided_yes(batch.preop_logmar, best)
            truth.append((known & agreed, label))
        decided, label = (torch.stack(each, dim=1) for each in zip(*truth, strict=True))
        label = label.to(prediction.recovery_logit.dtype)
        if self.auxiliary == "hinge":
            margin = head.margins(prediction, batch.preop_logmar)[:, chosen]
            margin = torch.where(decided, margin, 0.0)
            each = (1 - label) * margin.relu() + label * (-margin).relu()
        else:
            logit = torch.where(decided, prediction.recovery_logit[:, chosen], 0.0)
            each = F.binary_cross_entropy_with_logits(logit, label, reduction="none")
        recovery = (each * decided).sum() / decided.sum().clamp(min=1)
        if self.auxiliary == "none":
            # A sum over nothing: several processes refuse parameters that take no part at all.
            return LossParts(regression + 0.0 * recovery, regression, recovery)
        total = regression + self.recovery_weight * recovery
        if self.auxiliary == "hinge":
            total = total + 0.0 * prediction.recovery_logit.sum()
        return LossParts(total, regression, recovery)

    def _chosen(self, head: Head) -> list[int]:
        """Numbers of the outcomes in the second term.

        Raises:
            InputError: If one is no outcome of the head.
        """
        names = [outcome.name for outcome in head.outcomes]
        unknown = sorted(set(self.outcomes or ()) - set(names))
        if unknown or self.outcomes == ():
            raise InputError(
                f"loss.outcomes: {', '.join(unknown) or 'an empty list'}; name one or more of "
                f"model.outcomes ({', '.join(names)}), or set auxiliary to none"
            )
        return [k for k, name in enumerate(names) if self.outcomes is None or name in self.outcomes]
