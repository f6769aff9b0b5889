"""Covariates without relations between them: the ablation of `T2GEncoder`."""

from collections.abc import Sequence

from torch import Tensor

from ctt_net.models.covariates.base import CovariateEncoder
from ctt_net.models.covariates.tokens import KNOTS, CovariateTokens, full_precision


class PlainEncoder(CovariateEncoder):
    """A token per covariate that knows of no other; the fusion has to relate them.

    Args:
        dim: Width D of the tokens.
        levels: For each covariate its number of levels, 0 for a number. Taken from the cohort.
        drop: Chance that a known covariate is shown as unknown in training.
        knots: Quantiles that scale a number.
    """

    def __init__(
        self, dim: int = 64, levels: Sequence[int] = (), drop: float = 0.1, knots: int = KNOTS
    ) -> None:
        super().__init__(dim, levels)
        self.tokens = CovariateTokens(dim, levels, drop, knots)

    def forward(self, covariates: Tensor) -> Tensor:
        """Encode; see `CovariateEncoder.forward`."""
        with full_precision(covariates.device):
            tokens, _ = self.tokens(covariates)
        return tokens

    def initialise(self, covariates: Tensor) -> None:
        """Fit the scaler."""
        self.tokens.initialise(covariates)
