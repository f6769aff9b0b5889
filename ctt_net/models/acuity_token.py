"""The preoperative acuity as a token; an unknown one has a token of its own."""

from typing import Literal

import torch
from torch import Tensor, nn

AcuityUnit = Literal["logmar", "decimal"]


class AcuityToken(nn.Module):
    """Embeds one acuity per eye.

    Args:
        dim: Width of the token.
        unit: What the number is embedded as; the published networks take decimals.

    Raises:
        ValueError: If there is no such unit.
    """

    def __init__(self, dim: int, unit: AcuityUnit = "logmar") -> None:
        super().__init__()
        if unit not in ("logmar", "decimal"):
            raise ValueError(f"acuity_unit must be logmar or decimal, got {unit!r}")
        self.unit = unit
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
        number = preop_logmar if self.unit == "logmar" else 10.0**-preop_logmar
        token = self.embed(number[:, None])
        return torch.where(preop_known[:, None], token, self.unknown.to(token.dtype))


class LearnedToken(nn.Module):
    """A learned token in place of the acuity token, the same for every eye.

    Args:
        dim: Width of the token.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(dim))
        nn.init.trunc_normal_(self.token, std=0.02)

    def forward(self, preop_logmar: Tensor, preop_known: Tensor) -> Tensor:
        """The token, once an eye; see `AcuityToken.forward`."""
        return self.token.expand(preop_known.shape[0], -1)


def acuity_or_learned(dim: int, acuity_token: bool, unit: AcuityUnit = "logmar") -> nn.Module:
    """The token that carries the acuity, or the learned one in its place.

    Args:
        dim: Width of the token.
        acuity_token: Whether it carries the acuity.
        unit: As in `AcuityToken`.
    """
    return AcuityToken(dim, unit) if acuity_token else LearnedToken(dim)
