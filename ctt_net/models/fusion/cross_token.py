"""Cross-token fusion (Wang et al., CTT-Net, BIBM 2022, arXiv 2212.05794), for any views."""

import torch
from torch import Tensor, nn

from ctt_net.models.acuity_token import AcuityToken
from ctt_net.models.attention import AttentionBlock
from ctt_net.models.fusion.base import Fusion, mean_over_present


class CrossTokenFusion(Fusion):
    """Views attend within themselves; only exchanged acuity tokens carry news between them.

    Each view v has its image tokens x_v, an acuity token t_v of its own and the common acuity token
    c, which enters every block as it was. `depth` blocks on [x_v, t_v, c]; then `exchanges` rounds,
    each of which first gives every view the mean of the other views' t and then runs one block.
    The mean of the others is the published swap t_1 <-> t_2 when there are two views, goes on with
    any number, and skips absent ones; a view that is alone keeps its own token. Read out:
    LayerNorm of the mean t of the views that are there; with none, of c.

    Args:
        dim: Width D of the tokens.
        heads: Attention heads.
        depth: Blocks before the first exchange.
        exchanges: Exchange rounds.
        tied: One block serves all rounds, as published; otherwise each round has its own.
        dropout: Inside the blocks.
    """

    def __init__(
        self,
        dim: int = 64,
        heads: int = 4,
        depth: int = 2,
        exchanges: int = 4,
        tied: bool = True,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(dim)
        if depth < 0 or exchanges < 0:
            raise ValueError(f"depth and exchanges must be 0 or more, got {depth} and {exchanges}")
        self.exchanges = exchanges
        self.view_acuity = AcuityToken(dim)
        self.common_acuity = AcuityToken(dim)
        self.before = nn.ModuleList(
            AttentionBlock(dim, heads=heads, dropout=dropout) for _ in range(depth)
        )
        blocks = min(exchanges, 1) if tied else exchanges
        self.after = nn.ModuleList(
            AttentionBlock(dim, heads=heads, dropout=dropout) for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(
        self,
        tokens: Tensor,
        view_present: Tensor,
        preop_logmar: Tensor,
        preop_known: Tensor,
        covariate_tokens: Tensor | None = None,
    ) -> Tensor:
        """Fuse; see `Fusion.forward`."""
        V = tokens.shape[1]
        common = self.common_acuity(preop_logmar, preop_known)  # (B, D)
        own = self.view_acuity(preop_logmar, preop_known)[:, None].expand(-1, V, -1)  # (B, V, D)
        for block in self.before:
            tokens, own = self._within_views(block, tokens, own, common)
        for number in range(self.exchanges):
            own = mean_of_others(own, view_present)
            block = self.after[number % len(self.after)]
            tokens, own = self._within_views(block, tokens, own, common)
        fused = mean_over_present(own, view_present)
        any_view = view_present.any(dim=1, keepdim=True)
        return self.norm(torch.where(any_view, fused, common.to(fused.dtype)))

    @staticmethod
    def _within_views(
        block: nn.Module, tokens: Tensor, own: Tensor, common: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One block on [x_v, t_v, c] of every view at once; c's output is thrown away."""
        B, V, T, D = tokens.shape
        shared = common[:, None].expand(-1, V, -1)
        row = torch.cat([tokens, own[:, :, None], shared[:, :, None]], dim=2)  # (B, V, T+2, D)
        row = block(row.reshape(B * V, T + 2, D)).view(B, V, T + 2, D)
        return row[:, :, :T], row[:, :, T]


def mean_of_others(own: Tensor, view_present: Tensor) -> Tensor:
    """For each view the mean token of the other views that are there; alone, its own.

    Args:
        own: (B, V, D).
        view_present: (B, V) bool.

    Returns:
        (B, V, D).
    """
    there = view_present[..., None]
    total = torch.where(there, own, 0.0).sum(dim=1, keepdim=True)
    count = there.sum(dim=1, keepdim=True)
    others = count - there.long()
    mean = (total - torch.where(there, own, 0.0)) / others.clamp(min=1)
    return torch.where(others > 0, mean.to(own.dtype), own)
