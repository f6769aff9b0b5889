"""Acuity as an ordered choice among chart lines, with a distribution of any shape."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ctt_net.models.head.base import (
    SMALLEST_SCALE_LOGMAR,
    PreopLineHead,
    softplus_inverse,
)
from ctt_net.outcome import DEFAULT_OUTCOMES, Outcome
from ctt_net.types import Prediction

LINE_LOGMAR = 0.1


class OrdinalHead(PreopLineHead):
    r"""Cumulative logits over cuts half-way between chart lines (after McCullagh 1980).

    With cuts c_0 < c_1 < ... the head gives g_j = logit P(postop <= c_j). The first depends on the
    preop acuity, and each further one adds a positive step, so that the probabilities are ordered
    by construction:

        g_0 = (c_0 - slope * preop - intercept - delta(token)) / width,
        g_j = g_{j-1} + softplus(step_j(token))

    It starts as a logistic distribution around the preop-only line and may become lopsided or
    double-peaked. Between cuts g is taken as linear: the acuity is its median, the scale half the
    distance of its quartiles, and a recovery logit its value at the outcome's cut.

    `native` is g, (B, J).

    Args:
        dim: Width of the token.
        outcomes: The K recovery outcomes.
        hidden: Width of the hidden layer.
        dropout: Before the output layer.
        best_logmar: Best line; the first cut lies half a line beyond it.
        worst_logmar: Worst line; off-chart words go up to 3.0.

    Raises:
        ValueError: If there are fewer than two lines.
    """

    cuts: Tensor
    width: Tensor

    def __init__(
        self,
        dim: int = 64,
        outcomes: Sequence[Outcome] = DEFAULT_OUTCOMES,
        hidden: int = 64,
        dropout: float = 0.1,
        best_logmar: float = -0.3,
        worst_logmar: float = 3.0,
    ) -> None:
        super().__init__(dim, outcomes)
        number = round((worst_logmar - best_logmar) / LINE_LOGMAR) + 2
        if number < 3:
            raise ValueError(
                f"best_logmar {best_logmar} and worst_logmar {worst_logmar} must be a line apart"
            )
        first = best_logmar - LINE_LOGMAR / 2
        cuts = first + LINE_LOGMAR * torch.arange(number)
        self.register_buffer("cuts", cuts, persistent=False)
        self.register_buffer("width", torch.tensor(0.1))
        self.hidden = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(dropout))
        self.delta = nn.Linear(hidden, 1)
        self.step = nn.Linear(hidden, number - 1)
        for layer in (self.delta, self.step):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        self.add_line()

    def forward(self, token: Tensor, preop_logmar: Tensor, preop_known: Tensor) -> Prediction:
        """Predict; see `Head.forward`."""
        hidden = self.hidden(token)
        line = self.line(preop_logmar, preop_known)
        first = (self.cuts[0] - line - self.delta(hidden).float()[:, 0]) / self.width
        # Never zero: the quantiles divide by it.
        steps = F.softplus(self.step(hidden).float()) + 1e-3  # (B, J - 1)
        start = first[:, None]
        native = torch.cat([start, start + steps.cumsum(dim=1)], dim=1)  # (B, J)
        postop = self._quantile(native, steps, 0.0)
        quartile = math.log(3.0)
        apart = self._quantile(native, steps, quartile) - self._quantile(native, steps, -quartile)
        logit = [
            # Every margin is the distance to a cut, so that of a postop of 0 is the cut.
            self._logit_at(outcome.margin(preop_logmar, torch.zeros_like(line)), start, steps)
            for outcome in self.outcomes
        ]
        scale = apart / 2 + SMALLEST_SCALE_LOGMAR
        return Prediction(postop, scale, torch.stack(logit, dim=1), native)

    def _quantile(self, native: Tensor, steps: Tensor, logit: float) -> Tensor:
        """Where g, linear between its cuts, crosses a logit; a first or last cut if it does not."""
        passed = ((logit - native[:, :-1]) / steps).clamp(0.0, 1.0)  # share of each line
        return self.cuts[0] + LINE_LOGMAR * passed.sum(dim=1)

    def _logit_at(self, cut: Tensor, start: Tensor, steps: Tensor) -> Tensor:
        """The logit g at any place: (B,) logMAR -> (B,)."""
        passed = ((cut[:, None] - self.cuts[:-1]) / LINE_LOGMAR).clamp(0.0, 1.0)
        return start[:, 0] + (passed * steps).sum(dim=1)

    def losses(self, prediction: Prediction, lower_logmar: Tensor, upper_logmar: Tensor) -> Tensor:
        """Cross-entropy of each cut, summed: the likelihood of all its binary decisions.

        Cuts between the bounds of an outcome are decided by nothing and are left out.
        """
        below = upper_logmar[:, None] <= self.cuts
        decided = below | (lower_logmar[:, None] > self.cuts)
        each = F.binary_cross_entropy_with_logits(
            prediction.native, below.to(prediction.native.dtype), reduction="none"
        )
        return (each * decided).sum(dim=1)

    @torch.no_grad()
    def initialise(self, preop_logmar: Tensor, postop_logmar: Tensor) -> None:
        """Fit the line by least squares and the logistic distribution's width to its residuals."""
        absolute = self.fit_line(preop_logmar, postop_logmar)
        # The mean absolute deviation of a logistic distribution is 2 ln 2 of its widths.
        width = absolute.mean() / (2 * math.log(2.0))
        self.width.copy_(width.clamp(min=SMALLEST_SCALE_LOGMAR))
        self.step.bias.copy_(softplus_inverse(LINE_LOGMAR / self.width))
