"""The preoperative acuity as a token; an unknown one has a token of its own."""

import torch
from torch import Tensor, nn


class AcuityToken(nn.Module):
    """Embeds one acuity per eye.

    Args:
        dim: Width of the token.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.embed = nn.Linear(1, dim)
        self.unknown = nn.Parameter(torch.zeros(dim))
        nn.init.trunc_normal_(self.unknown, std=0.02)

    def forward(self, preop_logmar: Tensor, preop_known: Tensor) -> Tensor:
        """Embed.

        Args:
            preop_logmar: (B,), any finite number where unknown.
            preop_known: (B,) bool.

        Returns:
            (B, D).
        """
        token = self.embed(preop_logmar[:, None])
        return torch.where(preop_known[:, None], token, self.unknown.to(token.dtype))
