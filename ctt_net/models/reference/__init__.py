"""The published networks from weights in their authors' own naming, built of this project's parts.

CTT-Net and the networks it was compared with: Wang et al., BIBM 2022, arXiv 2212.05794.
"""

from ctt_net.models.reference.checkpoint import load_reference_checkpoint, load_reference_state_dict
from ctt_net.models.reference.network import VARIANTS, ReferenceNet

__all__ = [
    "VARIANTS",
    "ReferenceNet",
    "load_reference_checkpoint",
    "load_reference_state_dict",
]
