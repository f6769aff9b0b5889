"""Scan file to one grey, upright B-scan; its signal quality; and the network's input."""

from ctt_net.imaging.bscan import BScan
from ctt_net.imaging.failure import ImagingError
from ctt_net.imaging.preprocessing import Preprocessing, orient
from ctt_net.imaging.quality import signal_quality
from ctt_net.imaging.read import read_bscan
from ctt_net.imaging.retina import RetinaBand, find_retina

__all__ = [
    "BScan",
    "ImagingError",
    "Preprocessing",
    "RetinaBand",
    "find_retina",
    "orient",
    "read_bscan",
    "signal_quality",
]
