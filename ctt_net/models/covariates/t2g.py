"""The tabular transformer with an estimated graph of relations between features."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ctt_net.models.covariates.base import CovariateEncoder
from ctt_net.models.covariates.tokens import KNOTS, CovariateTokens, full_precision


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


class T2GBlock(nn.Module):
    r"""One layer: X += (G V) W_out, then X += Linear(ReGLU(Linear(LN(X)))).

    Args:
        dim: Width of a token.
        features: Number n, the read-out included.
        heads: Heads of the graph.
        first: Whether it is the first block, which has no norm before its graph.
        hidden: Width between the two linear layers.
        graph_dropout: Of edges.
        dropout: Of hidden units.
    """

    def __init__(
        self,
        dim: int,
        features: int,
        *,
        heads: int,
        first: bool,
        hidden: int,
        graph_dropout: float,
        dropout: float,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.norm_graph = nn.Identity() if first else nn.LayerNorm(dim)
        self.graph = FeatureGraph(dim, features, heads)
        self.value = nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)
        self.norm_hidden = nn.LayerNorm(dim)
        self.widen = nn.Linear(dim, 2 * hidden)
        self.narrow = nn.Linear(hidden, dim)
        self.graph_dropout = nn.Dropout(graph_dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, readable: Tensor) -> tuple[Tensor, Tensor]:
        """Mix.

        Args:
            tokens: (B, n, D).
            readable: (B, n) bool.

        Returns:
            Tokens (B, n, D) and the graph (B, heads, n, n).
        """
        B, n, D = tokens.shape
        normed = self.norm_graph(tokens)
        graph = self.graph(normed, readable)
        value = self.value(normed).view(B, n, self.heads, -1).transpose(1, 2)
        message = self.graph_dropout(graph) @ value  # (B, h, n, d_h)
        tokens = tokens + self.output(message.transpose(1, 2).reshape(B, n, D))
        linear, gate = self.widen(self.norm_hidden(tokens)).chunk(2, dim=-1)
        return tokens + self.narrow(self.dropout(linear * F.relu(gate))), graph


class T2GEncoder(CovariateEncoder):
    r"""T2G-Former (Yan et al., AAAI 2023, arXiv 2211.16887), of which all tokens are kept.

    Published, only the read-out leaves the last layer. Here every feature's token does, for the
    fusion to attend to, and the read-out, which nobody reads inside, joins each of them:

        token_j = x_j + Linear(ReLU(LN(x_0)))

    An unknown covariate has a learned token, reads what the others say, and is read by none: what
    nobody measured says nothing about the rest.

    Args:
        dim: Width D of the tokens.
        levels: For each covariate its number of levels, 0 for a number. Taken from the cohort.
        heads: Heads of each graph.
        layers: Blocks.
        hidden_ratio: Width inside a block over `dim`.
        graph_dropout: Of edges.
        dropout: Of hidden units.
        drop: Chance that a known covariate is shown as unknown in training.
        read_unknown: Let the others read the token of an unknown covariate too.
        knots: Quantiles that scale a number.

    Raises:
        ValueError: If `heads` does not divide `dim`, or there is no layer.
    """

    def __init__(
        self,
        dim: int = 64,
        levels: Sequence[int] = (),
        heads: int = 4,
        layers: int = 2,
        hidden_ratio: float = 4 / 3,
        graph_dropout: float = 0.2,
        dropout: float = 0.1,
        drop: float = 0.1,
        read_unknown: bool = False,
        knots: int = KNOTS,
    ) -> None:
        super().__init__(dim, levels)
        if layers < 1:
            raise ValueError(f"layers must be 1 or more, got {layers}")
        self.read_unknown = read_unknown
        self.tokens = CovariateTokens(dim, levels, drop, knots)
        features = len(levels) + 1
        self.readout = nn.Parameter(torch.empty(dim).uniform_(-(dim**-0.5), dim**-0.5))
        self.blocks = nn.ModuleList(
            T2GBlock(
                dim,
                features,
                heads=heads,
                first=number == 0,
                hidden=max(1, int(dim * hidden_ratio)),
                graph_dropout=graph_dropout,
                dropout=dropout,
            )
            for number in range(layers)
        )
        self.norm = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, dim)

    def forward(self, covariates: Tensor) -> Tensor:
        """Encode; see `CovariateEncoder.forward`."""
        features, readout, _ = self.relate(covariates)
        return features + readout[:, None]

    def relate(self, covariates: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """The published network, with the graph of every layer.

        Args:
            covariates: (B, F).

        Returns:
            Features (B, F, D) after the last block, output of the read-out (B, D), and of each
            block its graph (B, heads, F+1, F+1).
        """
        graphs = []
        with full_precision(covariates.device):
            features, known = self.tokens(covariates)
            B = features.shape[0]  # `len` would fix it in an export
            tokens = torch.cat([self.readout.expand(B, 1, -1), features], dim=1)
            readable = torch.ones_like(known) if self.read_unknown else known
            readable = torch.cat([known.new_ones(B, 1), readable], dim=1)
            for block in self.blocks:
                tokens, graph = block(tokens, readable)
                graphs.append(graph)
            return tokens[:, 1:], self.output(F.relu(self.norm(tokens[:, 0]))), graphs

    @torch.no_grad()
    def relation_graphs(self, covariates: Tensor) -> Tensor:
        """Mean over eyes and heads of each layer's graph, undisturbed by training's chances.

        Args:
            covariates: (E, F), at least one eye.

        Returns:
            (layers, F+1, F+1): row i reads so much of column j; the read-out comes first.
        """
        was_training = self.training
        _, _, graphs = self.eval().relate(covariates)
        self.train(was_training)
        return torch.stack([graph.mean(dim=(0, 1)) for graph in graphs])

    def relation_graph(self, covariates: Tensor) -> Tensor:
        """Mean of `relation_graphs` over the layers: (F+1, F+1)."""
        return self.relation_graphs(covariates).mean(dim=0)

    def initialise(self, covariates: Tensor) -> None:
        """Fit the scaler."""
        self.tokens.initialise(covariates)
