"""Backbones: how one B-scan becomes tokens."""

from ctt_net.models.backbone.base import Backbone
from ctt_net.models.backbone.segmentation import SegmentationBackbone
from ctt_net.models.backbone.small_conv import SmallConvBackbone
from ctt_net.models.backbone.small_resnet import SmallResNetBackbone
from ctt_net.models.backbone.timm_backbone import TimmBackbone

__all__ = [
    "Backbone",
    "SegmentationBackbone",
    "SmallConvBackbone",
    "SmallResNetBackbone",
    "TimmBackbone",
]
