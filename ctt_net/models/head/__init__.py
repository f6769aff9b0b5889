"""Heads: from the fused token to acuity, scale and recovery."""

from ctt_net.models.head.base import Head
from ctt_net.models.head.decimal import DecimalHead
from ctt_net.models.head.ordinal import OrdinalHead
from ctt_net.models.head.residual import ResidualHead

__all__ = ["DecimalHead", "Head", "OrdinalHead", "ResidualHead"]
