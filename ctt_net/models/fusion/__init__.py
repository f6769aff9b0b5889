"""Fusions: how the views of one eye become one token."""

from ctt_net.models.fusion.base import Fusion
from ctt_net.models.fusion.cross_token import CrossTokenFusion
from ctt_net.models.fusion.mean import MeanFusion

__all__ = ["CrossTokenFusion", "Fusion", "MeanFusion"]
