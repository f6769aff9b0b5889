"""A decoded picture before it is made grey: samples, how to turn it, and what was noticed."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ctt_net.imaging.bscan import ImagingError, Note

MAX_PIXELS = 50_000_000
MAX_DECODED_BYTES = 512 * 2**20
MIN_SIDE = 64
PRINT_COLOURS = Note(
    "print_colours", "the picture is in print colours (CMYK), which were converted"
)
MAX_SIDE = 16_384  # OpenCV warps pictures of less than 32,768 a side
MAX_ASPECT = 32  # a montage of several scans has 10; a strip would be a JPEG of endless height


@dataclass(frozen=True, eq=False)
class Raster:
    """Samples as stored, without transparency.

    Args:
        samples: (H, W) or (H, W, 3), any integer, float or bool type.
        orientation: EXIF/TIFF orientation, 1 (as stored) to 8.
        notes: what the decoder left out.
    """

    samples: np.ndarray
    orientation: int = 1
    notes: list[Note] = field(default_factory=list)


def check_size(width: int, height: int, path: Path) -> None:
    """Refuse from the header alone what is too large to decode or too small to hold a retina."""
    if width <= 0 or height <= 0 or min(width, height) < MIN_SIDE:
        raise ImagingError.of(
            path,
            f"a picture of {width}x{height} pixels (at least {MIN_SIDE} a side are needed)",
            "export the B-scan at full size, not its thumbnail",
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImagingError.of(
            path,
            f"a strip of {width}x{height} pixels, not a B-scan",
            "export the whole B-scan at full size",
        )
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise ImagingError.of(
            path,
            f"a picture of {width}x{height} pixels (limit {MAX_PIXELS // 1_000_000} megapixels, "
            f"{MAX_SIDE} a side)",
            "export a single B-scan at the device's own size",
        )


def check_single(pictures: int, path: Path) -> None:
    """Refuse a file of several pictures: which of them passes the fovea is not known."""
    if pictures > 1:
        raise ImagingError.of(
            path,
            f"{pictures} pictures (pages or frames) in one file",
            "export the B-scan through the fovea alone, one picture per file",
        )


def drop_alpha(samples: np.ndarray, notes: list[Note]) -> np.ndarray:
    """Take the colours as they are stored and forget transparency.

    Exports were seen whose alpha varies along the border without any meaning (Cirrus, as
    published with the Quebec cohort); compositing would darken the scan there.

    Args:
        samples: (H, W, S) with S = 1..4; the last of 2 or 4 is transparency.
        notes: receives a line when the transparency was not the same everywhere.
    """
    count = samples.shape[2]
    if count in (2, 4):
        alpha = samples[..., -1]
        if alpha.min() != alpha.max():
            notes.append(Note("alpha_ignored", "the picture's transparency was ignored"))
        samples = samples[..., :-1]
    return np.ascontiguousarray(samples[..., 0] if samples.shape[2] == 1 else samples)


def turned(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a picture as its EXIF/TIFF orientation tag says (TIFF 6.0, tag 274).

    Args:
        samples: (H, W) or (H, W, 3).
        orientation: 1..8; anything else counts as 1.
    """
    if orientation in (5, 6, 7, 8):
        samples = samples.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return np.ascontiguousarray(samples)
