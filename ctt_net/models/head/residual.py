"""Acuity as a correction to what the preoperative acuity alone says."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ctt_net.models.head.base import (
    SMALLEST_SCALE_LOGMAR,
    PreopLineHead,
    softplus_inverse,
)
from ctt_net.models.head.interval_mass import laplace_log_cdf, log_mass
from ctt_net.outcome import DEFAULT_OUTCOMES, Outcome
from ctt_net.types import Prediction


class ResidualHead(PreopLineHead):
    r"""postop = slope * preop + intercept + delta(token), with a scale and recovery logits.

    The line is fitted to the training eyes before the first step and delta starts small, so that an
    untrained network is close to the preop-only baseline and every step has to beat it. Small, not
    zero: a zero layer passes no gradient to the scans at first, and on small cohorts their lesions
    were then never found (docs/experiments.md). An unknown preop falls back on the mean outcome.
    Each recovery logit is the distance of the prediction to its cut over the scale, so that the
    number and the probability cannot contradict each other, plus a correction of its own:

        logit_k = (margin_k(preop, postop) + shift_k(token)) / scale

    Args:
        dim: Width of the token.
        outcomes: The K recovery outcomes.
        hidden: Width of the hidden layer; 0 = none, everything is linear in the token.
        dropout: Before the output layer.
        distribution: Of the outcome around the prediction, whose negative log-likelihood trains it:
            `laplace` (scale = mean absolute error) or `gaussian` (scale = standard deviation).
    """

    has_density = True

    def __init__(
        self,
        dim: int = 64,
        outcomes: Sequence[Outcome] = DEFAULT_OUTCOMES,
        hidden: int = 64,
        dropout: float = 0.1,
        distribution: Literal["laplace", "gaussian"] = "laplace",
    ) -> None:
        super().__init__(dim, outcomes)
        if distribution not in ("laplace", "gaussian"):
            raise ValueError(f"distribution must be laplace or gaussian, got {distribution!r}")
        self.distribution = distribution
        self.hidden = nn.Sequential(nn.Dropout(dropout))
        if hidden:
            self.hidden = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(dropout))
        hidden = hidden or dim
        self.delta = nn.Linear(hidden, 1)
        self.spread = nn.Linear(hidden, 1)
        self.shift = nn.Linear(hidden, len(self.outcomes))
        for layer in (self.delta, self.spread, self.shift):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        self.add_line()

    def forward(self, token: Tensor, preop_logmar: Tensor, preop_known: Tensor) -> Prediction:
        """Predict; see `Head.forward`."""
        hidden = self.hidden(token)
        # Half precision has a step of a letter at 1 logMAR: the sum is kept in float32.
        delta = self.delta(hidden).float()[:, 0]
        line = self.line(preop_logmar, preop_known)
        postop = line + delta
        scale = F.softplus(self.spread(hidden).float()[:, 0]) + SMALLEST_SCALE_LOGMAR
        margins = torch.stack(
            [outcome.margin(preop_logmar, postop) for outcome in self.outcomes], dim=1
        )
        logit = (margins + self.shift(hidden).float()) / scale[:, None]
        return Prediction(postop, scale, logit, postop[:, None])

    def losses(self, prediction: Prediction, lower_logmar: Tensor, upper_logmar: Tensor) -> Tensor:
        """Negative log-likelihood, which learns its scale from the errors."""
        location, scale = prediction.postop_logmar, prediction.scale_logmar
        exact = lower_logmar == upper_logmar
        # Stand-ins where the other likelihood is taken: its gradient must still be finite.
        error = (location - torch.where(exact, lower_logmar, 0.0)).abs() / scale
        ends = []
        for bound, open_end in ((lower_logmar, -torch.inf), (upper_logmar, torch.inf)):
            closed = bound.isfinite() & ~exact
            standardised = (torch.where(closed, bound, 0.0) - location) / scale
            ends.append(torch.where(closed, standardised, open_end))
        if self.distribution == "gaussian":
            density = error**2 / 2 + torch.log(math.sqrt(2 * math.pi) * scale)
            mass = log_mass(torch.special.log_ndtr, *ends)
        else:
            density = error + torch.log(2 * scale)
            mass = log_mass(laplace_log_cdf, *ends)
        return torch.where(exact, density, -mass)

    @torch.no_grad()
    def initialise(self, preop_logmar: Tensor, postop_logmar: Tensor) -> None:
        """Fit the line by least squares and the scale to its residuals."""
        absolute = self.fit_line(preop_logmar, postop_logmar)
        spread = absolute.mean()
        if self.distribution == "gaussian":
            spread = absolute.square().mean().sqrt()
        spread = spread.clamp(min=2 * SMALLEST_SCALE_LOGMAR)
        self.spread.bias.fill_(softplus_inverse(spread - SMALLEST_SCALE_LOGMAR))
