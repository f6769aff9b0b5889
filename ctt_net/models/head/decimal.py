"""The published output: decimal acuity, bounded or not, trained by its squared error."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ctt_net.models.head.base import SMALLEST_SCALE_LOGMAR, Head, fit_preop_line
from ctt_net.outcome import DEFAULT_OUTCOMES, Outcome
from ctt_net.types import Prediction

# The output's upper bound: 6/4, the best line of the published charts.
BEST_DECIMAL = 1.5

# What an output that is no acuity counts as in logMAR: no light perception, and 20/10.
DECIMAL_RANGE = (1e-3, 2.0)


class DecimalHead(Head):
    """postop = 1.5 * sigmoid(d(token) + preop), or d + preop, all decimal (Wang et al. 2022).

    Kept for comparison. The bounded form is no residual one: at d = 0 it predicts a gain of 0.74
    for an eye of 0.01 and of 0.10 for one of 1.0. It knows no scale of its own: that is one number,
    the mean absolute residual of the preop-only line in the training eyes, until the calibration
    sets the width of intervals. Recovery logits are distances to the cut over it.

    `native` is d + preop, before any bound.

    Args:
        dim: Width of the token.
        outcomes: The K recovery outcomes.
        bounded: With the sigmoid, or without.
        hidden_layer: Whether a linear layer stands before the ReLU and the output layer; some of
            the published networks end their fusion with it.
    """

    scale: Tensor

    def __init__(
        self,
        dim: int = 64,
        outcomes: Sequence[Outcome] = DEFAULT_OUTCOMES,
        bounded: bool = True,
        hidden_layer: bool = True,
    ) -> None:
        super().__init__(dim, outcomes)
        self.bounded = bounded
        self.hidden = nn.Linear(dim, dim) if hidden_layer else nn.Identity()
        self.output = nn.Linear(dim, 1)
        # Stands for the preoperative acuity where that is unknown.
        self.without_preop = nn.Parameter(torch.tensor(0.0))
        self.register_buffer("scale", torch.tensor(0.2))

    def forward(self, token: Tensor, preop_logmar: Tensor, preop_known: Tensor) -> Prediction:
        """Predict; see `Head.forward`."""
        d = self.output(torch.relu(self.hidden(token))).float()[:, 0]
        native = d + torch.where(preop_known, 10.0**-preop_logmar, self.without_preop)
        decimal = self.postop_decimal(native)
        postop = -decimal.clamp(*DECIMAL_RANGE).log10()
        margins = torch.stack([o.margin(preop_logmar, postop) for o in self.outcomes], dim=1)
        scale = self.scale.expand(postop.shape[0])
        return Prediction(postop, scale, margins / self.scale, native[:, None])

    def postop_decimal(self, native: Tensor) -> Tensor:
        """Decimal acuity, any number if unbounded, from `native`; shapes alike."""
        return BEST_DECIMAL * torch.sigmoid(native) if self.bounded else native

    def losses(self, prediction: Prediction, lower_logmar: Tensor, upper_logmar: Tensor) -> Tensor:
        """Squared error in decimal, of the output as it is, to the nearest within the bounds."""
        decimal = self.postop_decimal(prediction.native[:, 0])
        nearest = decimal.detach().clamp(10.0**-upper_logmar, 10.0**-lower_logmar)
        return (decimal - nearest).square()

    def margins(self, prediction: Prediction, preop_logmar: Tensor) -> Tensor:
        """See `Head.margins`; that of a decimal gain is decimal and of the output as it is."""
        gain = self.postop_decimal(prediction.native[:, 0]) - 10.0**-preop_logmar
        each = [
            gain - outcome.threshold_decimal
            if outcome.threshold_decimal is not None
            else outcome.margin(preop_logmar, prediction.postop_logmar)
            for outcome in self.outcomes
        ]
        return torch.stack(each, dim=1)

    @torch.no_grad()
    def initialise(self, preop_logmar: Tensor, postop_logmar: Tensor) -> None:
        """Set the scale, and what stands for an unknown acuity so that d = 0 is the mean."""
        residuals = fit_preop_line(preop_logmar, postop_logmar).residuals
        self.scale.copy_(residuals.abs().mean().clamp(min=SMALLEST_SCALE_LOGMAR))
        mean = (10.0**-postop_logmar).mean()
        if self.bounded:
            mean = torch.logit(mean / BEST_DECIMAL, eps=1e-3)
        self.without_preop.copy_(mean)
