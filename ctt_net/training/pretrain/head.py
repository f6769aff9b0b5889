"""What is read from a network while it learns from simulated eyes; thrown away afterwards."""

import torch
from torch import Tensor, nn

from ctt_net.synthetic import KINDS
from ctt_net.training.pretrain.targets import LINE_LOGMAR, Lesions


class LesionHead(nn.Module):
    """Lesions of a view from the mean of its tokens, of an eye from its fused token.

    Linear, so that it is backbone and fusion that have to find them; in lines of the chart, so that
    all outputs are of one size.

    Args:
        dim: Width D of the tokens.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.presence = nn.Linear(dim, len(KINDS))
        self.view_cost = nn.Linear(dim, len(KINDS))
        self.cost = nn.Linear(dim, len(KINDS))
        self.potential = nn.Linear(dim, 1)
        for layer in self.children():
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, tokens: Tensor, token: Tensor) -> Lesions:
        """Read.

        Args:
            tokens: (B, V, T, D) of the views.
            token: (B, D) fused.
        """
        view = tokens.mean(dim=2)
        return Lesions(
            self.presence(view).float(),
            LINE_LOGMAR * self.view_cost(view).float(),
            LINE_LOGMAR * self.cost(token).float(),
            LINE_LOGMAR * self.potential(token).float()[:, 0],
        )

    @torch.no_grad()
    def start_from(self, truth: Lesions, view_present: Tensor) -> None:
        """Begin with how common and how costly each kind is among the training eyes.

        Args:
            truth: Of E eyes, tensors.
            view_present: (E, V) bool.
        """
        there = view_present[..., None].float()  # (E, V, 1)
        scans = there.sum(dim=(0, 1))
        crossed = (truth.presence * there).sum(dim=(0, 1))
        # Half a scan more of either, so that a kind that never occurs has a finite logit.
        self.presence.bias.copy_(torch.log((crossed + 0.5) / (scans - crossed + 0.5)))
        total = (truth.view_cost * there).sum(dim=(0, 1))
        self.view_cost.bias.copy_(total / scans.clamp(min=1) / LINE_LOGMAR)
        self.cost.bias.copy_(truth.cost.mean(dim=0) / LINE_LOGMAR)
        self.potential.bias.fill_(truth.potential.mean() / LINE_LOGMAR)
