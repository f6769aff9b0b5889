"""One token per covariate: of its value, or of its being unknown."""

import contextlib
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor, nn


def full_precision(device: torch.device) -> AbstractContextManager:
    """Switch autocast off inside, if it is on; a trace for export is not affected."""
    if not torch.is_autocast_enabled(device.type):
        return contextlib.nullcontext()
    return torch.autocast(device.type, enabled=False)


# Knots are quantiles this far apart: at 32, every third eye of a small cohort has one.
KNOTS = 32


class QuantileScaler(nn.Module):
    """Each number's rank among the training eyes, as a normal score; a sum of clamped ramps.

    The quantile normalisation that goes before T2G-Former (Yan et al. 2023, arXiv 2211.16887),
    linear between knots. At the knots it is scikit-learn's `QuantileTransformer` with
    `output_distribution="normal"`, but for the two ends: there scikit-learn puts its numerical
    clip, 5.2, so that the youngest patient of a hundred lies 5 standard deviations out; here an end
    counts as half an eye, and a value that many eyes share as the middle of their ranks. What lies
    outside is clamped; a column of one value, or of none, gives 0.

    Args:
        columns: Number F of columns.
        knots: Quantiles kept for each column.
    """

    lowest: Tensor
    start: Tensor
    per_unit: Tensor
    rise: Tensor

    def __init__(self, columns: int, knots: int = KNOTS) -> None:
        super().__init__()
        if knots < 2:
            raise ValueError(f"knots must be 2 or more, got {knots}")
        self.knots = knots
        self.register_buffer("lowest", torch.zeros(columns))
        for name in ("start", "per_unit", "rise"):
            self.register_buffer(name, torch.zeros(columns, knots - 1))

    def forward(self, values: Tensor) -> Tensor:
        """Scale: (B, F) finite -> (B, F)."""
        ramps = ((values[..., None] - self.start) * self.per_unit).clamp(0, 1)  # (B, F, K-1)
        return self.lowest + (ramps * self.rise).sum(dim=-1)

    @torch.no_grad()
    def initialise(self, values: Tensor, columns: Sequence[int]) -> None:
        """Take the knots from the training eyes.

        Args:
            values: (E, F), NaN = unknown.
            columns: Those that hold numbers; the others stay at 0.
        """
        ramps = np.zeros((3, *self.start.shape))
        lowest = np.zeros(len(self.lowest))
        for column in columns:
            known = values[:, column].double().cpu().numpy()
            at, score = knots_of(known[np.isfinite(known)], self.knots)
            if len(at) == 0:
                continue
            lowest[column] = score[0]
            width = np.diff(at)
            ramps[:, column, : len(width)] = at[:-1], 1 / width, np.diff(score)
        for name, found in zip(("start", "per_unit", "rise"), ramps, strict=True):
            getattr(self, name).copy_(torch.from_numpy(found))
        self.lowest.copy_(torch.from_numpy(lowest))


def knots_of(
    known: NDArray[np.float64], knots: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distinct quantiles of a column and their normal scores; none if nothing is known.

    Example:
        >>> at, score = knots_of(np.array([60.0, 70.0, 80.0]), knots=3)
        >>> at.tolist(), score.round(2).tolist()
        ([60.0, 70.0, 80.0], [-0.97, 0.0, 0.97])
    """
    if len(known) == 0:
        return np.zeros(0), np.zeros(0)
    rank = np.linspace(0, 1, knots)
    # As float32, since that is what the network compares with.
    quantiles = np.quantile(known, rank).astype(np.float32).astype(np.float64)
    half_an_eye = min(0.5, 1 / (2 * len(known)))
    rank = rank.clip(half_an_eye, 1 - half_an_eye)
    at, first, count = np.unique(quantiles, return_index=True, return_counts=True)
    return at, norm.ppf((rank[first] + rank[first + count - 1]) / 2)


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

    def initialise(self, covariates: Tensor) -> None:
        """Fit the scaler to the training eyes, (E, F)."""
        self.scaler.initialise(covariates, self.numbers)


def _uniform(rows: int, dim: int) -> nn.Parameter:
    """As published: He's uniform for a layer of `dim` inputs and slope sqrt(5)."""
    bound = 1 / math.sqrt(dim)
    return nn.Parameter(torch.empty(rows, dim).uniform_(-bound, bound))
