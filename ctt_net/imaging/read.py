"""`read_bscan`: one scan file to one grey, upright B-scan."""

import hashlib
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from ctt_net.imaging.artifacts.borders import white_margin
from ctt_net.imaging.artifacts.fill import blacken
from ctt_net.imaging.artifacts.panel import find_panel, layering
from ctt_net.imaging.artifacts.remove import without_marks, without_text
from ctt_net.imaging.artifacts.report_page import looks_like_report_page
from ctt_net.imaging.bscan import BScan, ImagingError, Note
from ctt_net.imaging.decode import decode_file
from ctt_net.imaging.decode.depth import eight_bit, grey
from ctt_net.imaging.decode.raster import Raster, check_size, turned
from ctt_net.imaging.inversion import is_inverted, is_upside_down

_MIN_DEVIATION = 1.0  # grey levels; below it a picture is blank
_EN_FACE = 1.3  # `layering` of fundus pictures and plain noise; B-scans have 1.9 and more
_NOT_A_BSCAN = Note("not_a_bscan", "the picture is probably no B-scan (no layers across it)")
_INVERTED = Note(
    "inverted", "the grey levels are inverted (black tissue on white); they were not changed"
)
_REPORT_PAGE = Note(
    "report_page", "the picture is probably a whole report page or screenshot, not a single B-scan"
)
_UPSIDE_DOWN = Note(
    "upside_down", "the scan may be upside down (choroid above the retina); it was not turned"
)


def read_bscan(path: str | Path) -> BScan:
    """Read a PNG, TIFF, JPEG or BMP scan of any bit depth and colour mode.

    The en-face panel of a Heidelberg export is cut; burnt-in marks, text and rulers are filled from
    their surroundings; the notes say what was done. Nothing is mirrored or turned
    except as the file's own orientation tag says.

    Args:
        path: of the scan file.

    Raises:
        ImagingError: the file is no such picture or holds several, too large, too small, damaged
            or blank.
    """
    path = Path(path)
    raster = decode_file(path)
    notes = list(raster.notes)
    colours = _upright_eight_bit(raster, notes)
    whole = grey(colours)
    _check_not_blank(whole, path)
    bscan = find_panel(whole)
    panel = bscan is not None
    if bscan is not None:
        side = (
            f"left of column {bscan.start}" if bscan.start else f"right of column {bscan.stop - 1}"
        )
        text = f"the en-face panel {side} was cut off"
        notes.append(Note("panel_cut", text))
        colours = np.ascontiguousarray(colours[:, bscan])
        check_size(colours.shape[1], colours.shape[0], path)
        _check_not_blank(grey(colours), path)
    page = looks_like_report_page(grey(colours))
    cleaned = without_marks(colours, notes)
    pixels, written = without_text(cleaned.pixels, notes)
    doubts = _doubts(pixels)
    margin = white_margin(pixels)
    if margin is not None and _INVERTED not in doubts:  # else the white is the vitreous
        pixels = blacken(pixels, margin)
        notes.append(Note("margin_blackened", "the white margin was blackened"))
        doubts = _doubts(pixels)
    notes += [_REPORT_PAGE] if page else doubts
    overlays = ("panel",) * panel + cleaned.overlays + written
    marked = "scan_direction_mark" in overlays
    layout = "spectralis_panel" if panel else "cirrus_overlay" if marked else "plain"
    return BScan(np.ascontiguousarray(pixels), layout, tuple(notes), overlays, cleaned.ends)


def _upright_eight_bit(raster: Raster, notes: list[Note]) -> np.ndarray:
    samples = raster.samples
    if raster.orientation != 1:
        samples = turned(samples, raster.orientation)
        text = f"the picture was turned as its orientation tag ({raster.orientation}) says"
        notes.append(Note("turned", text))
    return eight_bit(samples, notes)


def _check_not_blank(pixels: np.ndarray, path: Path) -> None:
    if float(cv2.meanStdDev(pixels)[1][0, 0]) < _MIN_DEVIATION:
        raise ImagingError.of(
            path,
            f"a picture of one even grey (level {float(pixels.mean()):.0f})",
            "export the scan again and check it",
        )


def _doubts(pixels: np.ndarray) -> list[Note]:
    """What is probably wrong with the scan; nothing is changed for it."""
    if layering(pixels) < _EN_FACE:
        return [_NOT_A_BSCAN]
    inverted = is_inverted(pixels)
    upside_down = is_upside_down(255 - pixels if inverted else pixels)
    return [_INVERTED] * inverted + [_UPSIDE_DOWN] * upside_down


@lru_cache(maxsize=1)
def reader_version() -> str:
    """Digest of the code that reads scans: what another version has read is not to be reused."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()
