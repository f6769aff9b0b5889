"""The loss: regression on acuity and auxiliary classification of recovery."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ctt_net.acuity.convert import CHART_SPAN_LOGMAR, LOGMAR_PER_LETTER, logmar_from_letters
from ctt_net.errors import InputError
from ctt_net.models.head import Head
from ctt_net.types import EyeBatch, Prediction

# Not `off`, which YAML reads as a truth value.
Auxiliary = Literal["bce", "hinge", "none"]

BEST_LOGMAR, WORST_LOGMAR = logmar_from_letters(100), logmar_from_letters(0)


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

    Where some outcomes of the training are recorded wrongly, a `wrong_share` e mixes the likelihood
    f of each eye with an even one over the chart, after Aitkin and Wilson (1980, doi
    10.1080/00401706.1980.10486163):

        -log((1 - e) f(postop) + e u(postop))

    An outcome far from the prediction then hardly moves the network: its gradient, and its term of
    the classification, count by the probability that it is right.

    Args:
        recovery_weight: Weight of the second term.
        auxiliary: The second term: `bce` (cross-entropy of the recovery logits), `hinge` (as
            published: |margin| of the head where its sign is wrong, without any distance that would
            be enough, in the head's own unit) or `none`. Without it the cross-entropy is still
            measured, and `recovery_weight` has no meaning.
        outcomes: Names of the outcomes in the second term; all by default. The others are still
            reported.
        wrong_share: Share of the outcomes that is taken to be recorded wrongly, below 0.5; 0 takes
            every outcome as it is. Needs a head that gives the acuity a density: `ResidualHead`.

    Raises:
        InputError: If the weight is not positive, the term unknown or the share impossible.
    """

    def __init__(
        self,
        recovery_weight: float = 0.5,
        auxiliary: Auxiliary = "bce",
        outcomes: Sequence[str] | None = None,
        wrong_share: float = 0.0,
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
        if not 0 <= wrong_share < 0.5:
            raise InputError(
                f"loss.wrong_share must be at least 0 and below 0.5, got {wrong_share}; 0.1 is "
                "usual, 0 takes every outcome as it is"
            )
        self.recovery_weight = recovery_weight
        self.wrong_share = wrong_share
        self.auxiliary = auxiliary
        self.outcomes = None if outcomes is None else tuple(outcomes)

    def forward(self, prediction: Prediction, batch: EyeBatch, head: Head) -> LossParts:
        """Compare B predictions with the truth, of which bounds at the least must be known."""
        best, worst = batch.postop_lower_logmar, batch.postop_upper_logmar
        right = None
        if self.wrong_share:
            of_eyes, right = self._contaminated(prediction, best, worst, head)
            regression = of_eyes.mean()
        else:
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
        if right is not None:
            each = each * right[:, None]
        recovery = (each * decided).sum() / decided.sum().clamp(min=1)
        if self.auxiliary == "none":
            # A sum over nothing: several processes refuse parameters that take no part at all.
            return LossParts(regression + 0.0 * recovery, regression, recovery)
        total = regression + self.recovery_weight * recovery
        if self.auxiliary == "hinge":
            total = total + 0.0 * prediction.recovery_logit.sum()
        return LossParts(total, regression, recovery)

    def _contaminated(
        self, prediction: Prediction, best: Tensor, worst: Tensor, head: Head
    ) -> tuple[Tensor, Tensor]:
        """Negative log-likelihood of each eye, and how probably its outcome is right: (B,), (B,).

        Raises:
            InputError: If the head has no density to be mixed with another one.
        """
        if not head.has_density:
            raise InputError(
                f"loss.wrong_share: {type(head).__name__} gives the acuity no density; take "
                "ResidualHead, or set wrong_share to 0"
            )
        right = math.log1p(-self.wrong_share) - head.losses(prediction, best, worst)
        # Of bounds the part of the chart between them.
        between = worst.clamp(max=WORST_LOGMAR) - best.clamp(min=BEST_LOGMAR)
        even = torch.where(best == worst, 1.0, between.clamp(min=LOGMAR_PER_LETTER))
        wrong = torch.log(even * self.wrong_share / CHART_SPAN_LOGMAR)
        return -torch.logaddexp(right, wrong), torch.sigmoid(right - wrong).detach()

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
