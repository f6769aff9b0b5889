"""Networks: backbones, fusions and heads, one contract and one file per member each."""

from ctt_net.models.multi_view_net import MultiViewNet

__all__ = ["MultiViewNet"]
