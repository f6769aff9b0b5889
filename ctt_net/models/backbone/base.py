"""The contract of a backbone: one B-scan in, a row of tokens out."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """Encodes single B-scans; views and eyes are none of its business.

    Attributes:
        embed_dim: Width E of its tokens.
        columns: Tokens from a scan's left (temporal if horizontal) to its right.
        rows: Tokens from its top (vitreous) to its bottom; T = rows * columns, row by row.
    """

    embed_dim: int
    columns: int
    rows: int = 1

    @property
    def tokens(self) -> int:
        """Number T of tokens per scan."""
        return self.rows * self.columns

    @abstractmethod
    def forward(self, bscans: Tensor) -> Tensor:
        """Encode.

        Args:
            bscans: (N, 1, H, W), grey levels 0..255.

        Returns:
            (N, T, E).
        """
