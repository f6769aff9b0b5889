"""Cross-token fusion (Wang et al., CTT-Net, BIBM 2022, arXiv 2212.05794), for any views."""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from ctt_net.models.acuity_token import AcuityUnit, acuity_or_learned
from ctt_net.models.attention import AttentionBlock
from ctt_net.models.fusion.base import Fusion, FusionInput, mean_over_present

Pattern = Literal["others", "all", "ring", "attention", "none"]


def checked_pattern(pattern: str) -> str:
    """The pattern, if it is one.

    Raises:
        ValueError: If it is none.
    """
    if pattern not in get_args(Pattern):
        raise ValueError(f"pattern must be one of {', '.join(get_args(Pattern))}, got {pattern!r}")
    return pattern


def exchange_weights(pattern: str, present: Tensor) -> Tensor:
    """What each row's token becomes, as weights on the tokens of all rows.

    A row without another one keeps its own token; an absent row is passed to none.

    Args:
        pattern: `others`: the mean of the other rows that are there, the published swap if they
            are two; `all`: the mean of all that are there; `ring`: the next one that is there;
            `none`, and `attention` before it attends: its own.
        present: (B, R) bool.

    Returns:
        (B, R, R) float, each row summing to one.
    """
    R = present.shape[1]
    itself = torch.eye(R, dtype=torch.bool, device=present.device)
    if pattern in ("none", "attention"):
        return itself.float().expand(present.shape[0], R, R)
    if pattern == "ring":
        place = torch.arange(R, device=present.device)
        # From each row to each other, R - 1 to itself.
        steps = torch.tensor(
            [[(there - here - 1) % R for there in range(R)] for here in range(R)],
            device=present.device,
        )
        # Absent rows come after all others, so that one is taken only where nobody is there.
        steps = steps + R * (~present[:, None, :]).long()
        source = steps.argmin(dim=2, keepdim=True) == place
    else:
        source = present[:, None, :] & ~itself if pattern == "others" else present[:, None, :]
        source = source.expand(-1, R, -1)
    number = source.sum(dim=2, keepdim=True)
    return torch.where(number > 0, source / number.clamp(min=1), itself.float())


# Rows that take the same weights: the number of the weights, and tokens (B, R, S, D).
Rows = list[tuple[int, Tensor]]


class CrossTokenFusion(Fusion):
    """Views attend within themselves; only exchanged acuity tokens pass information between them.

    Each view v has its image tokens x_v, an acuity token t_v of its own and the common acuity token
    c. A stage of `depth` blocks on [x_v, t_v, c]; then `exchanges` rounds, each of which first
    gives every view the mean of the other views' t and then runs one block. The mean of the others
    is the published swap t_1 <-> t_2 when there are two views, goes on with any number, and skips
    absent ones; a view that is alone keeps its own token. Covariate tokens f make one row more,
    [f_1 .. f_F, t_f, c], which takes part like a view that is always there, with the weights of the
    first one. Read out: LayerNorm of the mean t of the rows that are there; with none, of c.

    The order of tokens within a row is of no matter, as nothing tells the block their places.

    Args:
        dim: Width D of the tokens.
        heads: Attention heads.
        depth: Blocks before the first exchange.
        exchanges: Exchange rounds.
        tied: One block serves all rounds, as published; otherwise each round has its own.
        dropout: Inside the blocks.
        head_dim: Width of a head, D as published; D / heads if null.
        num_views: This many views have acuity tokens and blocks of their own, as published; null:
            all views share them, and there may be any number.
        pattern: Which tokens a row receives: `others`, `all`, `ring` or `none`, see
            `exchange_weights`; `attention` lets all t attend to each other in one block more.
        common: `fixed`: c enters every stage and round as it was; `updated`: each row keeps its own
            c from the one to the next, as in the published variant f.
        acuity_token: False: the exchanged tokens do not carry the acuity.
        acuity_unit: Unit in which acuity tokens take the acuity.
        read_out: `acuity`: the tokens t alone, as published; `both`: plus the mean of what came in,
            scans and covariates. That is a short way for the gradient to the backbone, without
            which lesions are found late or never (docs/experiments.md).
    """

    def __init__(
        self,
        dim: int = 64,
        heads: int = 4,
        depth: int = 2,
        exchanges: int = 4,
        tied: bool = True,
        dropout: float = 0.1,
        head_dim: int | None = None,
        num_views: int | None = None,
        pattern: Pattern = "others",
        common: Literal["fixed", "updated"] = "fixed",
        acuity_token: bool = True,
        acuity_unit: AcuityUnit = "logmar",
        read_out: Literal["acuity", "both"] = "acuity",
    ) -> None:
        super().__init__(dim, num_views)
        if depth < 0 or exchanges < 0:
            raise ValueError(f"depth and exchanges must be 0 or more, got {depth} and {exchanges}")
        if common not in ("fixed", "updated"):
            raise ValueError(f"common must be fixed or updated, got {common!r}")
        if read_out not in ("acuity", "both"):
            raise ValueError(f"read_out must be acuity or both, got {read_out!r}")
        self.exchanges = exchanges
        self.read_out = read_out
        self.pattern = checked_pattern(pattern)
        self.common = common

        def blocks(number: int) -> nn.ModuleList:
            return nn.ModuleList(
                AttentionBlock(dim, heads=heads, head_dim=head_dim, dropout=dropout)
                for _ in range(number)
            )

        views = num_views or 1
        rounds = min(exchanges, 1) if tied else exchanges
        self.view_acuity = nn.ModuleList(
            acuity_or_learned(dim, acuity_token, acuity_unit) for _ in range(views)
        )
        self.common_acuity = acuity_or_learned(dim, acuity_token, acuity_unit)
        self.before = nn.ModuleList(blocks(depth) for _ in range(views))
        self.after = nn.ModuleList(blocks(rounds) for _ in range(views))
        self.among = blocks(rounds if pattern == "attention" else 0)
        self.norm = nn.LayerNorm(dim)

    def forward(self, eyes: FusionInput) -> Tensor:
        """Fuse; see `Fusion.forward`."""
        rows, present = self._rows(eyes)
        first = self.common_acuity(eyes.preop_logmar, eyes.preop_known)  # (B, D)
        common = first[:, None].expand(-1, present.shape[1], -1)  # (B, R, D)
        own = self._own(rows, eyes)  # (B, R, D)
        rows, own, common = self._stage([list(blocks) for blocks in self.before], rows, own, common)
        weights = exchange_weights(self.pattern, present)
        for number in range(self.exchanges):
            number %= len(self.after[0])
            own = self._exchanged(number, weights, own, present)
            rows, own, common = self._stage(
                [[blocks[number]] for blocks in self.after], rows, own, common
            )
        fused = mean_over_present(own, present)
        any_row = present.any(dim=1, keepdim=True)
        fused = torch.where(any_row, fused, first.to(fused.dtype))
        if self.read_out == "both":
            fused = fused + mean_over_present(eyes.tokens.mean(dim=2), eyes.view_present)
            fused = eyes.plus_covariates(fused)
        return self.norm(fused)

    def _rows(self, eyes: FusionInput) -> tuple[Rows, Tensor]:
        """All rows, and which of them are there, (B, R)."""
        tokens, present, extra = eyes.tokens, eyes.view_present, eyes.covariate_tokens
        V = tokens.shape[1]
        rows: Rows = [(0, tokens)]
        if self.num_views is not None:
            if self.num_views < V:
                raise ValueError(f"{V} views are more than the {self.num_views} of num_views")
            rows = list(enumerate(tokens.split(1, dim=1)))
        if extra is None or extra.shape[1] == 0:
            return rows, present
        there = torch.ones_like(present[:, :1])
        return [*rows, (0, extra[:, None])], torch.cat([present, there], dim=1)

    def _own(self, rows: Rows, eyes: FusionInput) -> Tensor:
        """Acuity token of every row: (B, R, D)."""
        each = [acuity(eyes.preop_logmar, eyes.preop_known)[:, None] for acuity in self.view_acuity]
        return torch.cat([each[i].expand(-1, row.shape[1], -1) for i, row in rows], dim=1)

    def _exchanged(self, number: int, weights: Tensor, own: Tensor, present: Tensor) -> Tensor:
        """The token that every row receives in a round: (B, R, D)."""
        if self.pattern == "attention":
            # An eye without any row attends to all of them, and none is read out.
            return self.among[number](own, present | ~present.any(dim=1, keepdim=True))
        return weights.to(own.dtype) @ torch.where(present[..., None], own, 0.0)

    def _stage(
        self, stage: list[list[nn.Module]], rows: Rows, own: Tensor, common: Tensor
    ) -> tuple[Rows, Tensor, Tensor]:
        """Some blocks on [x, t, c] of every row.

        Args:
            stage: Blocks for each of the weights.
            rows: Image or covariate tokens x.
            own: (B, R, D), t.
            common: (B, R, D), c.
        """
        B, after, start = own.shape[0], [], 0
        for i, tokens in rows:
            R, S = tokens.shape[1:3]
            of_rows = slice(start, start := start + R)
            parts = [tokens, own[:, of_rows, None], common[:, of_rows, None]]
            whole = torch.cat(parts, dim=2).reshape(B * R, S + 2, -1)
            for block in stage[i]:
                whole = block(whole)
            after.append(whole.view(B, R, S + 2, -1))
        own = torch.cat([whole[:, :, -2] for whole in after], dim=1)
        if self.common == "updated":
            common = torch.cat([whole[:, :, -1] for whole in after], dim=1)
        return [(i, w[:, :, :-2]) for (i, _), w in zip(rows, after, strict=True)], own, common
