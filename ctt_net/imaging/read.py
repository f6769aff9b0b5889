"""The way in: one scan file to one grey, upright B-scan."""

from pathlib import Path

import cv2
import numpy as np

from ctt_net.imaging.bscan import BScan
from ctt_net.imaging.cover import without_text
from ctt_net.imaging.decode_pillow import decode_png_or_jpeg
from ctt_net.imaging.decode_tiff import decode_tiff
from ctt_net.imaging.depth import eight_bit, grey
from ctt_net.imaging.failure import ImagingError
from ctt_net.imaging.file_kind import kind_of, misnamed, read_limited
from ctt_net.imaging.inversion import looks_inverted
from ctt_net.imaging.margins import blacken, white_margin
from ctt_net.imaging.overlay import without_marks
from ctt_net.imaging.panel import find_panel, layering
from ctt_net.imaging.raster import Raster, check_size, turned

_MIN_DEVIATION = 1.0  # grey levels; below it a picture is blank
_EN_FACE = 1.3  # `layering` of fundus pictures and plain noise; B-scans have 1.9 and more


def read_bscan(path: str | Path) -> BScan:
    """Read a PNG, TIFF or JPEG scan of any bit depth and colour mode.

    The en-face panel of a Heidelberg export is cut; burnt-in marks, writing and rulers are filled
    from their surroundings; what was done is said in the notes. Nothing is mirrored or turned
    except as the file's own orientation tag says.

    Args:
        path: of the scan file.

    Raises:
        ImagingError: the file is no such picture, too large, too small, damaged or blank.
    """
    path = Path(path)
    data = read_limited(path)
    kind = kind_of(data, path)
    raster = decode_tiff(data, path) if kind == "TIFF" else decode_png_or_jpeg(data, kind, path)
    notes = [note for note in [misnamed(kind, path)] if note] + raster.notes
    colours = _upright_eight_bit(raster, notes)
    whole = grey(colours)
    _refuse_blank(whole, path)
    seam = find_panel(whole)
    panel = seam is not None and seam.is_panel
    if seam is not None and seam.is_panel:
        notes.append(f"the en-face panel left of column {seam.column} was cut off")
        colours = np.ascontiguousarray(colours[:, seam.column :])
        check_size(colours.shape[1], colours.shape[0], path)
        _refuse_blank(grey(colours), path)
    cleaned = without_marks(colours, notes)
    pixels, written = without_text(cleaned.pixels, notes)
    margin = white_margin(pixels)
    if margin is not None:
        pixels = blacken(pixels, margin)
        notes.append("the white margin was blackened")
    _doubts(pixels, notes)
    overlays = ("panel",) * panel + cleaned.overlays + written
    marked = "scan_direction_mark" in overlays
    layout = "spectralis_panel" if panel else "cirrus_overlay" if marked else "plain"
    return BScan(np.ascontiguousarray(pixels), layout, tuple(notes), overlays, cleaned.ends)


def _upright_eight_bit(raster: Raster, notes: list[str]) -> np.ndarray:
    samples = raster.samples
    if raster.orientation != 1:
        samples = turned(samples, raster.orientation)
        notes.append(f"the picture was turned as its orientation tag ({raster.orientation}) says")
    return eight_bit(samples, notes)


def _refuse_blank(pixels: np.ndarray, path: Path) -> None:
    if float(cv2.meanStdDev(pixels)[1][0, 0]) < _MIN_DEVIATION:
        raise ImagingError.of(
            path,
            f"a picture of one even grey (level {float(pixels.mean()):.0f})",
            "export the scan again and look at it",
        )


def _doubts(pixels: np.ndarray, notes: list[str]) -> None:
    """Say what looks wrong with the scan; nothing is changed for it."""
    if layering(pixels) < _EN_FACE:
        notes.append("the picture does not look like a B-scan (no layers across it)")
    elif looks_inverted(pixels):
        notes.append("the scan may be upside down (choroid above the retina); it was not turned")
