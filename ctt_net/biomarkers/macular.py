"""Whether a picture shows a macula, by the layers that the segmentation finds in it.

The segmentation network finds layers in anything. In a macular B-scan they fit the picture: the
inner border is smooth, brightness follows the layers from the vitreous to the choroid in nearly
every A-scan, and the pigment epithelium is bright. In other pictures one of these fails.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.biomarkers.segmenter import Segmenter, network_input
from ctt_net.imaging.bscan import UNUSABLE_NOTES, BScan, Note
from ctt_net.imaging.read import read_bscan, reader_version
from ctt_net.imaging.segmentation import ONNX_FILE, SURFACES, WEIGHTS_FOLDER

Floats = NDArray[np.float32]

# Rows of the network's input, and share of the A-scans.
EDGE_ROWS = 1.0
FEWEST_COLUMNS = 0.25

# Depth of the samples of an A-scan: 0 is the inner border of the retina, 1 Bruch's membrane.
DEPTHS = np.linspace(-0.6, 1.6, 45)
# Brightness there in SD of the picture, mean of simulated scans; that of real ones correlates with
# it by 0.99.
PROFILE = np.array([
    -0.45, -0.45, -0.45, -0.45, -0.45, -0.45, -0.45, -0.45, -0.45, -0.45, -0.41, 0.09,
    1.50, 2.04, 1.81, 1.64, 1.55, 1.49, 1.35, 1.11, 0.95, 1.02, 1.05, 0.79,
    0.52, 0.47, 0.54, 0.81, 1.29, 2.50, 3.11, 3.40, 3.16, 2.00, 1.36, 1.06,
    0.86, 0.73, 0.62, 0.53, 0.46, 0.39, 0.33, 0.28, 0.22,
])  # fmt: skip


@dataclass(frozen=True)
class Signs:
    """What tells a macular B-scan from other pictures.

    NaN where the edge of the picture cuts off what it would be read from in most A-scans: a retina
    without vitreous above it, or without its outer layers, is a retina all the same.

    Args:
        roughness: Mean bend of the inner border from A-scan to A-scan, rows of the network's input.
        border: Share of A-scans that are brighter below the inner border than above it.
        layering: Median correlation of an A-scan's brightness with that of a macula's layers.
        epithelium: Brightness of ellipsoid zone and pigment epithelium above that of the outer
            nuclear layer, median, SD of the picture.
        nerve_fibres: Brightness of the innermost layer above that of the next, likewise.
        inner_share: Share of the retina that lies above the outer plexiform layer, median.
    """

    roughness: float
    border: float
    layering: float
    epithelium: float
    nerve_fibres: float
    inner_share: float


def macular_signs(pixels: NDArray[np.uint8]) -> Signs:
    """Segment a picture and compare it with its own layers.

    Args:
        pixels: (H, W) grey, vitreous up.
    """
    picture = network_input(pixels)
    surfaces = Segmenter.load().run(picture)[0]
    top, outer, bruch = (surfaces[SURFACES.index(name)] for name in ("ilm", "opl", "bruch"))
    thick = np.maximum(bruch - top, 1.0)
    rows = (top + DEPTHS[:, None] * thick).astype(np.float32)
    columns = np.broadcast_to(np.arange(rows.shape[1], dtype=np.float32), rows.shape)
    smooth = cv2.GaussianBlur(picture, (0, 0), sigmaX=3, sigmaY=1)
    edge = cv2.BORDER_REPLICATE
    flat = cv2.remap(smooth, np.ascontiguousarray(columns), rows, cv2.INTER_LINEAR, borderMode=edge)

    def between(start: float, stop: float) -> Floats:
        return np.asarray(flat[(start <= DEPTHS) & (stop > DEPTHS)].mean(axis=0))

    # A surface that leaves the picture is said to run along its edge.
    below_top, above_bottom = top >= EDGE_ROWS, bruch <= len(picture) - 1 - EDGE_ROWS
    innermost = between(0.04, 0.18)
    return Signs(
        roughness=float(np.abs(np.diff(top, 2)).mean()),
        border=_where(below_top, np.mean, innermost > between(-0.4, -0.1) + 0.5),
        layering=float(np.median(_correlation(flat, PROFILE[:, None]))),
        epithelium=_where(above_bottom, np.median, between(0.85, 1.02) - between(0.45, 0.7)),
        nerve_fibres=_where(below_top, np.median, innermost - between(0.25, 0.4)),
        inner_share=_where(below_top & above_bottom, np.median, (outer - top) / thick),
    )


def _where(
    columns: NDArray[np.bool_], of: Callable[[NDArray[Any]], Any], values: NDArray[Any]
) -> float:
    """A statistic of these A-scans; NaN if they are few."""
    return float(of(values[columns])) if columns.mean() >= FEWEST_COLUMNS else np.nan


def _correlation(columns: NDArray[Any], profile: NDArray[np.float64]) -> NDArray[np.float64]:
    """(W,) Pearson's r of each column with a profile; 0 where a column is even."""
    one, other = columns - columns.mean(axis=0), profile - profile.mean(axis=0)
    scale = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    return np.asarray((one * other).sum(axis=0) / np.maximum(scale, 1e-9))


# What a macular B-scan shows at least or at most, and what is said of a picture that does not.
# Chosen on 357 other pictures, 520 simulated scans (seeds 0 and 1 of `benchmarks.not_macular`; its
# default is another) and 110 real ones, as they are and cropped, tilted, dimmed or blown up.
LIMITS: dict[str, tuple[float, float, str]] = {
    "roughness": (0.0, 1.2, "no smooth inner border of a retina runs across it"),
    "border": (0.35, 1.0, "no retina stands out from dark vitreous above it"),
    "layering": (0.2, 1.0, "its brightness does not follow the layers of a retina"),
    "epithelium": (0.0, np.inf, "it shows no bright pigment epithelium"),
    "nerve_fibres": (-np.inf, 1.7, "its uppermost layer outshines the rest, as if upside down"),
    "inner_share": (
        0.2, 0.535, "its inner layers are too thick for a macula, as in a circular scan of the disc"
    ),
}  # fmt: skip

# What `read_bscan` sees only coarsely: the layers of a clear macula refute it. Of 27 upright scans
# with such a note 25 have them, and of 357 other pictures none of those that had the note.
REFUTABLE_NOTES = frozenset({"not_a_bscan", "upside_down"})
CLEAR = {
    "roughness": (0.0, 0.7),
    "border": (0.55, 1.0),
    "layering": (0.55, 1.0),
    "epithelium": (1.0, np.inf),
    "nerve_fibres": (0.0, 1.3),
    "inner_share": (0.3, 0.52),
}


def not_macular(pixels: NDArray[np.uint8]) -> Note | None:
    """Why a picture is probably no B-scan of a macula; None if it may be one.

    Args:
        pixels: (H, W) grey, vitreous up.
    """
    return _note(macular_signs(pixels))


def _note(signs: Signs) -> Note | None:
    for name, (low, high, text) in LIMITS.items():
        if _outside(vars(signs)[name], low, high):
            return Note("not_macular", f"the picture is probably no B-scan of the macula: {text}")
    return None


def _outside(value: float, low: float, high: float) -> bool:
    """Whether a sign is known and too low or too high."""
    return value < low or value > high


def read_macular_bscan(path: str | Path) -> BScan:
    """Read a scan as `read_bscan` does, and note if it shows no macula.

    Where the layers of a macula are clear, the coarser doubts `REFUTABLE_NOTES` are taken back.
    All that measures, checks or predicts reads scans by this function.

    Args:
        path: Of the scan file.

    Raises:
        ImagingError: As `read_bscan` does.
    """
    scan = read_bscan(path)
    doubts = {note.code for note in scan.notes} & UNUSABLE_NOTES
    if doubts - REFUTABLE_NOTES:
        return scan
    signs = macular_signs(scan.pixels)
    if not doubts:
        note = _note(signs)
        return scan if note is None else replace(scan, notes=(*scan.notes, note))
    if any(_outside(vars(signs)[name], *limits) for name, limits in CLEAR.items()):
        return scan
    return replace(scan, notes=tuple(note for note in scan.notes if note.code not in doubts))


@lru_cache(maxsize=1)
def macular_reader_version() -> str:
    """Digest of all that decides on a scan: what another version has read is not to be reused."""
    digest = hashlib.sha256(reader_version().encode())
    for part in (
        Path(__file__),
        Path(__file__).with_name("segmenter.py"),
        WEIGHTS_FOLDER / ONNX_FILE,
    ):
        digest.update(part.read_bytes())
    return digest.hexdigest()
