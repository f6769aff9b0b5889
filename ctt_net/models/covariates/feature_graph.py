"""The graph estimator of T2G-Former (Yan et al., AAAI 2023, arXiv 2211.16887)."""

import math

import torch
from torch import Tensor, nn


class FeatureGraph(nn.Module):
    r"""How much each feature reads of each other, for each head: rows read, columns are read.

    For tokens Z of n features, the read-out being the first, and heads of width d_h:

        weight    W_ij = (Z_i U)^T diag(r) (Z_j U) / sqrt(d_h)       of the eye
        topology  T_ij = cos(head_i, tail_j)                          of the column, directed
        kept      A_ij = 1[sigmoid(T_ij + b) > 1/2], i != j, j not the read-out
        graph     G_ij = A_ij exp(W_ij) / sum_k A_ik exp(W_ik)

    The published form, softmax(W - 10000 (1 - A)), gives the same G as long as a row keeps an edge,
    and differs in two ways that are meant. A row without an edge reads nothing here; there it falls
    back on all, itself and the read-out included. And the straight-through gradient passes A as the
    factor it is here: an edge that was cut still learns what it would be worth, at the scale of the
    rest; there a kept edge gets 10000 times its gradient and a cut one none.

    Args:
        dim: Width D of a token.
        features: Number n, the read-out included.
        heads: Heads; must divide `dim`.
    """

    allowed: Tensor

    def __init__(self, dim: int, features: int, heads: int) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"heads must divide dim {dim}, got {heads}")
        self.heads = heads
        self.project = nn.Linear(dim, dim)
        self.relation = nn.Parameter(torch.ones(dim))  # diag(r) of all heads, in a row
        width = max(1, math.ceil(2 * math.log2(features)))
        bound = 1 / math.sqrt(width)
        shape = (heads, features, width)
        self.head_embedding = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
        self.tail_embedding = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
        self.edge_bias = nn.Parameter(torch.zeros(1))
        allowed = ~torch.eye(features, dtype=torch.bool)
        allowed[:, 0] = False
        self.register_buffer("allowed", allowed, persistent=False)

    def forward(self, tokens: Tensor, readable: Tensor) -> Tensor:
        """Estimate.

        Args:
            tokens: (B, n, D).
            readable: (B, n) bool, False = nobody reads this feature of this eye.

        Returns:
            (B, heads, n, n): each row sums to 1, or is zero if it has no edge.
        """
        B, n, D = tokens.shape
        projected = self.project(tokens)
        read = (projected * self.relation).view(B, n, self.heads, -1).transpose(1, 2)
        weight = read @ projected.view(B, n, self.heads, -1).permute(0, 2, 3, 1)  # (B, h, n, n)
        weight = weight / math.sqrt(D // self.heads)
        soft = self.edge_probability()
        possible = self.allowed & readable[:, None, None, :]
        kept = possible & (soft > 0.5)
        some = kept.any(dim=-1, keepdim=True)
        lowest = torch.finfo(weight.dtype).min
        highest = weight.masked_fill(~kept, lowest).amax(dim=-1, keepdim=True)
        highest = torch.where(some, highest, 0.0).detach()
        # Cut edges have no weight, but their gradient must not overflow either.
        weight = (weight - highest).clamp(max=0).exp()
        # Exactly 0 or 1, with the gradient of the probability.
        gate = torch.where(possible, kept.to(soft.dtype) + (soft - soft.detach()), 0.0)
        gated = gate * weight
        total = gated.sum(dim=-1, keepdim=True)
        return gated / torch.where(some, total, 1.0)

    def edge_probability(self) -> Tensor:
        """Sigmoid of the topology: (heads, n, n); an edge is kept above one half."""
        head = nn.functional.normalize(self.head_embedding, dim=-1)
        tail = nn.functional.normalize(self.tail_embedding, dim=-1)
        return torch.sigmoid(head @ tail.mT + self.edge_bias)

    def kept_edges(self) -> Tensor:
        """Which edges the topology keeps, of those there can be: (heads, n, n) bool."""
        return self.allowed & (self.edge_probability() > 0.5)
