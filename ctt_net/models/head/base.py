"""The contract of a head: one token per eye in, acuity with its scale and recovery logits out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ctt_net.outcome import DEFAULT_OUTCOMES, Outcome
from ctt_net.types import Prediction

# Repeated measurements of one eye differ by this much at the least (Leinonen et al. 2005,
# PMID 15948786, SD 0.04 at good acuity), so no prediction can be surer.
SMALLEST_SCALE_LOGMAR = 0.02


class Head(nn.Module, ABC):
    """Reads the fused token.

    Args:
        dim: Width D of the token.
        outcomes: The K recovery questions.
    """

    def __init__(self, dim: int, outcomes: Sequence[Outcome] = DEFAULT_OUTCOMES) -> None:
        super().__init__()
        self.dim = dim
        self.outcomes = tuple(outcomes)

    @abstractmethod
    def forward(self, token: Tensor, preop_logmar: Tensor, preop_known: Tensor) -> Prediction:
        """Predict.

        Args:
            token: (B, D).
            preop_logmar: (B,) finite.
            preop_known: (B,) bool.
        """

    @abstractmethod
    def loss(self, prediction: Prediction, postop_logmar: Tensor) -> Tensor:
        """What its regression is trained with, mean over eyes.

        Its own negative log-likelihood, or the squared error of a head that has none.

        Args:
            prediction: Of this head.
            postop_logmar: (B,) truth, all known.
        """

    @abstractmethod
    def start_from(self, preop_logmar: Tensor, postop_logmar: Tensor) -> None:
        """Set the output scale by the training eyes before the first step.

        Args:
            preop_logmar: (E,), NaN = unknown.
            postop_logmar: (E,).
        """

    def margins(self, prediction: Prediction, preop_logmar: Tensor) -> Tensor:
        """How far beyond each cut the predicted acuity lies; positive = recovers.

        Args:
            prediction: Of this head.
            preop_logmar: (B,), NaN = unknown.

        Returns:
            (B, K), logMAR unless the head works in another unit; NaN where the acuity it needs is
            unknown.
        """
        postop = prediction.postop_logmar
        return torch.stack([o.margin(preop_logmar, postop) for o in self.outcomes], dim=1)
