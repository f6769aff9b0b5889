"""One token per covariate: of its value, or of its being unknown."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ctt_net.models.covariates.quantile_scaler import KNOTS, QuantileScaler


class CovariateTokens(nn.Module):
    r"""Tokens as in FT-Transformer and T2G-Former (Yan et al. 2023), with one for unknown.

        number:    t_j = score(x_j) w_j + b_j
        category:  t_j = E_j[x_j] + b_j
        unknown:   t_j = m_j + b_j

    While training, known values are now and then shown as unknown, so that m_j is learned also in a
    cohort where nothing is missing.

    Args:
        dim: Width D of a token.
        levels: For each covariate its number of levels, 0 for a number.
        drop: Chance that a known value is shown as unknown in training.
        knots: Of the scaler.
    """

    level_count: Tensor
    level_offset: Tensor

    def __init__(
        self, dim: int, levels: Sequence[int], drop: float = 0.1, knots: int = KNOTS
    ) -> None:
        super().__init__()
        if not 0 <= drop < 1:
            raise ValueError(f"drop must lie in 0..1, below 1, got {drop}")
        self.drop = drop
        self.numbers = [f for f, number in enumerate(levels) if number == 0]
        self.categories = [f for f, number in enumerate(levels) if number > 0]
        count = torch.tensor(levels, dtype=torch.long)
        self.register_buffer("level_count", count, persistent=False)
        self.register_buffer("level_offset", count.cumsum(0) - count, persistent=False)
        self.scaler = QuantileScaler(len(levels), knots)
        # Matrices by layout only: the training decays nothing that is called an embedding.
        self.number_embedding = _uniform(len(levels), dim) if self.numbers else None
        self.level_embedding = _uniform(int(count.sum()), dim) if self.categories else None
        self.unknown_embedding = _uniform(len(levels), dim)
        self.column_embedding = _uniform(len(levels), dim)

    def forward(self, covariates: Tensor) -> tuple[Tensor, Tensor]:
        """Embed.

        Args:
            covariates: (B, F), NaN = unknown, as is a level that there is not.

        Returns:
            Tokens (B, F, D), and which covariates are known (B, F).
        """
        covariates = covariates.to(self.unknown_embedding.dtype)
        category = self.level_count > 0
        known = covariates.isfinite()
        known = known & (~category | ((covariates >= 0) & (covariates < self.level_count)))
        if self.training and self.drop > 0:
            known = known & (torch.rand_like(covariates) >= self.drop)
        values = torch.where(known, covariates, 0.0)
        tokens = values.new_zeros(())
        if self.number_embedding is not None:
            tokens = self.scaler(values)[..., None] * self.number_embedding
        if self.level_embedding is not None:
            index = torch.where(category, values, 0.0).long() + self.level_offset
            index = index.clamp(max=len(self.level_embedding) - 1)
            of_level = nn.functional.embedding(index, self.level_embedding)
            tokens = torch.where(category[:, None], of_level, tokens)
        tokens = torch.where(known[..., None], tokens, self.unknown_embedding)
        return tokens + self.column_embedding, known

    def start_from(self, covariates: Tensor) -> None:
        """Fit the scaler to the training eyes, (E, F)."""
        self.scaler.start_from(covariates, self.numbers)


def _uniform(rows: int, dim: int) -> nn.Parameter:
    """As published: He's uniform for a layer of `dim` inputs and slope sqrt(5)."""
    bound = 1 / math.sqrt(dim)
    return nn.Parameter(torch.empty(rows, dim).uniform_(-bound, bound))
