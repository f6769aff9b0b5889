"""Scan files: read into one grey, upright B-scan, checked, and turned into the network's input.

`read_bscan` decodes a file (`decode/`), removes what devices and exports draw over the scan
(`artifacts/`: burnt-in marks, text, rulers, panels) and notes what is doubtful. `Preprocessing`
makes the network's input of a B-scan. `signal_quality`, `disc_side` and the hashes of
`fingerprint` describe it.
"""

from ctt_net.imaging.artifacts.fill import Box
from ctt_net.imaging.artifacts.remove import find_text
from ctt_net.imaging.artifacts.report_page import looks_like_report_page
from ctt_net.imaging.bscan import UNUSABLE_NOTES, BScan, ImagingError, Note
from ctt_net.imaging.contradiction import DOUBTS, doubts_of
from ctt_net.imaging.disc_side import DiscSide, disc_side
from ctt_net.imaging.fingerprint import near_duplicates, perceptual_hash, pixel_digest
from ctt_net.imaging.inversion import is_inverted
from ctt_net.imaging.preprocessing import Preprocessing, orient
from ctt_net.imaging.quality import signal_quality
from ctt_net.imaging.read import read_bscan
from ctt_net.imaging.retina import RetinaBand, find_retina
