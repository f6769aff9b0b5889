"""The contract of a head: one token per eye in, acuity with its scale and recovery logits out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from ctt_net.outcome import DEFAULT_OUTCOMES, Outcome
from ctt_net.sample import Prediction


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
        """What its regression is trained with: its own negative log-likelihood, mean over eyes.

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
