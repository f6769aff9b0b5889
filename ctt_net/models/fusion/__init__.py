"""Fusions: how the views of one eye become one token."""

from ctt_net.models.fusion.base import Fusion
from ctt_net.models.fusion.concat import ConcatFusion
from ctt_net.models.fusion.cross_token import CrossTokenFusion
from ctt_net.models.fusion.joint_attention import JointAttentionFusion
from ctt_net.models.fusion.late import LateFusion
from ctt_net.models.fusion.mean import MeanFusion
from ctt_net.models.fusion.single_view import SingleViewFusion

__all__ = [
    "ConcatFusion",
    "CrossTokenFusion",
    "Fusion",
    "JointAttentionFusion",
    "LateFusion",
    "MeanFusion",
    "SingleViewFusion",
]
