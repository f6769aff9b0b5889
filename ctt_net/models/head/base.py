"""The contract of a head: one token per eye in, acuity with its scale and recovery logits out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ctt_net.outcome import DEFAULT_OUTCOMES, Outcome
from ctt_net.types import Prediction

# Repeated measurements of one eye differ by this much at the least (Leinonen et al. 2005,
# PMID 15948786, SD 0.04 at good acuity), so no prediction can be surer.
SMALLEST_SCALE_LOGMAR = 0.02


class Head(nn.Module, ABC):
    """Maps the fused token of an eye to acuity, scale and recovery logits.

    Args:
        dim: Width D of the token.
        outcomes: The K recovery outcomes.

    `has_density` tells whether `losses` is the negative logarithm of a density of the acuity.
    """

    has_density = False

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
    def losses(self, prediction: Prediction, lower_logmar: Tensor, upper_logmar: Tensor) -> Tensor:
        """What its regression is trained with, of each eye: (B,).

        Its own negative log-likelihood: by the density where the truth is known exactly, by the
        probability between the bounds elsewhere (Klein and Moeschberger 2003, section 3.5). A head
        that has none takes the squared distance to the truth or to what the bounds allow.

        Args:
            prediction: Of this head.
            lower_logmar: (B,) best that the acuity may be, -inf = open.
            upper_logmar: (B,) worst, inf = open; equal where it is known exactly.
        """

    def loss(
        self, prediction: Prediction, lower_logmar: Tensor, upper_logmar: Tensor | None = None
    ) -> Tensor:
        """Mean of `losses`; without upper bounds every truth is known exactly."""
        upper_logmar = lower_logmar if upper_logmar is None else upper_logmar
        return self.losses(prediction, lower_logmar, upper_logmar).mean()

    @abstractmethod
    def initialise(self, preop_logmar: Tensor, postop_logmar: Tensor) -> None:
        """Set location and scale by the training eyes before the first step.

        Args:
            preop_logmar: (E,), NaN = unknown.
            postop_logmar: (E,), of eyes whose outcome is known exactly.
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


class PreopLine(NamedTuple):
    """postop = slope * preop + intercept; the mean outcome where the preop is unknown."""

    slope: Tensor
    intercept: Tensor
    mean: Tensor
    residuals: Tensor


def fit_preop_line(preop_logmar: Tensor, postop_logmar: Tensor) -> PreopLine:
    """Fit by least squares; flat where there is no line to fit.

    Args:
        preop_logmar: (E,), NaN = unknown.
        postop_logmar: (E,).
    """
    mean = postop_logmar.mean()
    known = preop_logmar.isfinite()
    x, y = preop_logmar[known], postop_logmar[known]
    slope = torch.zeros(())
    if len(x) > 2 and x.var() > 0:
        slope = ((x - x.mean()) * (y - y.mean())).mean() / x.var(unbiased=False)
    intercept = y.mean() - slope * x.mean() if len(x) else mean
    fitted = torch.where(known, slope * preop_logmar.nan_to_num() + intercept, mean)
    return PreopLine(slope, intercept, mean, postop_logmar - fitted)


def softplus_inverse(value: Tensor) -> Tensor:
    """Where softplus gives `value`, which is positive."""
    return torch.log(torch.expm1(value))


class PreopLineHead(Head):
    """A head whose location starts from a line in the preoperative acuity.

    A member calls `add_line` at the end of its constructor.
    """

    slope: nn.Parameter
    intercept: nn.Parameter
    without_preop: nn.Parameter

    def add_line(self) -> None:
        """Make the line's parameters."""
        self.slope = nn.Parameter(torch.tensor(1.0))
        self.intercept = nn.Parameter(torch.tensor(0.0))
        self.without_preop = nn.Parameter(torch.tensor(0.0))

    def line(self, preop_logmar: Tensor, preop_known: Tensor) -> Tensor:
        """Acuity by the line, (B,); the mean outcome where the preoperative acuity is unknown."""
        fitted = self.slope * preop_logmar + self.intercept
        return torch.where(preop_known, fitted, self.without_preop)

    def fit_line(self, preop_logmar: Tensor, postop_logmar: Tensor) -> Tensor:
        """Fit it to the training eyes; their absolute residuals, (E,)."""
        line = fit_preop_line(preop_logmar, postop_logmar)
        self.slope.copy_(line.slope)
        self.intercept.copy_(line.intercept)
        self.without_preop.copy_(line.mean)
        return line.residuals.abs()
