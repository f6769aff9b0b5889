"""Numbers in their own unit to standard normal scores, inside the network and its exports."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor, nn

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
    def start_from(self, values: Tensor, columns: Sequence[int]) -> None:
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
