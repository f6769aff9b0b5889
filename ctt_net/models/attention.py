"""Pre-norm transformer block (Vaswani et al. 2017; Xiong et al. 2020, arXiv 2002.04745)."""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class AttentionBlock(nn.Module):
    """Self-attention and MLP over a short row of tokens, each behind a LayerNorm and added back.

    Args:
        dim: Width of a token.
        heads: Number of attention heads.
        head_dim: Width of a head; `dim / heads` by default.
        mlp_ratio: Hidden width of the MLP over `dim`.
        dropout: After attention and inside the MLP.

    Raises:
        ValueError: If `heads` does not divide `dim` and no `head_dim` is given.
    """

    def __init__(
        self,
        dim: int,
        *,
        heads: int = 4,
        head_dim: int | None = None,
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if head_dim is None and dim % heads:
            raise ValueError(f"heads must divide dim {dim}, got {heads}; or give head_dim")
        inner = heads * (head_dim or dim // heads)
        self.heads = heads
        self.norm_attention = nn.LayerNorm(dim)
        self.query_key_value = nn.Linear(dim, 3 * inner, bias=False)
        self.output = nn.Sequential(nn.Linear(inner, dim), nn.Dropout(dropout))
        hidden = int(dim * mlp_ratio)
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim),
            nn.Linear(dim, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, dim),
            nn.Dropout(dropout),
        )

    def forward(self, tokens: Tensor, attended: Tensor | None = None) -> Tensor:
        """Attend among the S tokens of each row.

        Args:
            tokens: (N, S, D), finite.
            attended: (N, S) bool, the tokens that may be attended to, at least one in each row;
                the others have no influence on them, to the bit. None = all.

        Returns:
            (N, S, D).
        """
        N, S, _ = tokens.shape
        qkv = self.query_key_value(self.norm_attention(tokens))
        query, key, value = qkv.view(N, S, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # (N,h,S,d)
        mask = None if attended is None else attended[:, None, None, :]
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        tokens = tokens + self.output(mixed.transpose(1, 2).reshape(N, S, -1))
        return tokens + self.mlp(tokens)
