"""Full attention: all tokens of all views in one row."""

import torch
from torch import Tensor, nn

from ctt_net.models.acuity_token import AcuityToken, AcuityUnit
from ctt_net.models.attention import AttentionBlock
from ctt_net.models.fusion.base import Fusion, FusionInput


class JointAttentionFusion(Fusion):
    """A learned read-out token beside everything else; who attends to whom is left to training.

    The row is [read-out, acuity, tokens of all views, covariate tokens]; absent views are masked.
    Read out: LayerNorm of the read-out token.

    Args:
        dim: Width D of the tokens.
        heads: Attention heads.
        depth: Blocks, 6 as published.
        dropout: Inside the blocks.
        head_dim: Width of a head, D as published; D / heads if null.
        acuity_token: Whether the acuity has a token in the row; published without.
        acuity_unit: Unit in which the acuity token takes the acuity.
    """

    def __init__(
        self,
        dim: int = 64,
        heads: int = 4,
        depth: int = 3,
        dropout: float = 0.1,
        head_dim: int | None = None,
        acuity_token: bool = True,
        acuity_unit: AcuityUnit = "logmar",
    ) -> None:
        super().__init__(dim)
        if depth < 1:
            raise ValueError(f"depth must be 1 or more, got {depth}")
        self.read_out = nn.Parameter(torch.zeros(dim))
        nn.init.trunc_normal_(self.read_out, std=0.02)
        self.acuity = AcuityToken(dim, acuity_unit) if acuity_token else None
        self.blocks = nn.ModuleList(
            AttentionBlock(dim, heads=heads, head_dim=head_dim, dropout=dropout)
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, eyes: FusionInput) -> Tensor:
        """Fuse; see `Fusion.forward`."""
        B, _, T, D = eyes.tokens.shape
        always = [self.read_out.expand(B, 1, D)]
        if self.acuity is not None:
            always.append(self.acuity(eyes.preop_logmar, eyes.preop_known)[:, None])
        if eyes.covariate_tokens is not None:
            always.append(eyes.covariate_tokens)
        before = torch.cat(always, dim=1)
        images = torch.where(eyes.view_present[..., None, None], eyes.tokens, 0.0).flatten(1, 2)
        row = torch.cat([before, images], dim=1)
        there = eyes.view_present[..., None].expand(-1, -1, T).flatten(1)
        attended = torch.cat([there.new_ones(B, before.shape[1]), there], dim=1)
        for block in self.blocks:
            row = block(row, attended)
        return self.norm(row[:, 0])
