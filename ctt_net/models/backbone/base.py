"""The contract of a backbone: one B-scan in, a row of tokens out."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """Encodes single B-scans; views and eyes are none of its business.

    Attributes:
        embed_dim: Width E of its tokens.
        columns: Number T of tokens, from a scan's left (temporal if horizontal) to its right.
    """

    embed_dim: int
    columns: int

    @abstractmethod
    def forward(self, bscans: Tensor) -> Tensor:
        """Encode.

        Args:
            bscans: (N, 1, H, W), grey levels 0..255.

        Returns:
            (N, T, E).
        """
