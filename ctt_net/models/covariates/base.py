"""The contract of a covariate encoder: a row of covariates in, a row of tokens out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn


class CovariateEncoder(nn.Module, ABC):
    """Turns F covariates into F tokens; an unknown one gets a learned token of its own.

    Args:
        dim: Width D of the tokens.
        levels: For each covariate its number of levels, 0 for a number. Taken from the cohort.

    Raises:
        ValueError: If the width is not positive, or a number of levels is negative.
    """

    def __init__(self, dim: int, levels: Sequence[int] = ()) -> None:
        super().__init__()
        if dim < 1:
            raise ValueError(f"dim must be positive, got {dim}")
        if any(number < 0 for number in levels):
            raise ValueError(f"levels must be 0 (a number) or more, got {list(levels)}")
        self.dim = dim
        self.levels = tuple(levels)

    @property
    def num_covariates(self) -> int:
        """Number F of covariates."""
        return len(self.levels)

    @abstractmethod
    def forward(self, covariates: Tensor) -> Tensor:
        """Encode.

        Args:
            covariates: (B, F): a number in its own unit or the index of a level, NaN = unknown.

        Returns:
            (B, F, D), in float32 or the parameters' own type also under autocast.
        """

    @abstractmethod
    def initialise(self, covariates: Tensor) -> None:
        """Take the scales of the numbers from the training eyes before the first step.

        Args:
            covariates: (E, F).
        """
