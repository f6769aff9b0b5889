"""The way in: one scan file to one grey, upright B-scan."""

from pathlib import Path

import numpy as np

from ctt_net.imaging.bscan import BScan
from ctt_net.imaging.decode_pillow import decode_png_or_jpeg
from ctt_net.imaging.decode_tiff import decode_tiff
from ctt_net.imaging.depth import eight_bit, grey
from ctt_net.imaging.failure import ImagingError
from ctt_net.imaging.file_kind import kind_of, misnamed, read_limited
from ctt_net.imaging.inversion import looks_inverted
from ctt_net.imaging.overlay import colour_mask, fill, find_widget, widget_mask
from ctt_net.imaging.panel import find_panel
from ctt_net.imaging.raster import Raster, check_size, turned

_MIN_DEVIATION = 1.0  # grey levels; below it a picture is blank


def read_bscan(path: str | Path) -> BScan:
    """Read a PNG, TIFF or JPEG scan of any bit depth and colour mode.

    The en-face panel of a Heidelberg export is cut, burnt-in marks are filled from their
    surroundings; what was done is said in the notes. Nothing is mirrored or turned except as
    the file's own orientation tag says.

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
    pixels = grey(colours)
    _refuse_blank(pixels, path)
    layout = "plain"
    seam = find_panel(pixels)
    if seam is not None and seam.is_panel:
        layout = "spectralis_panel"
        notes.append(f"the en-face panel left of column {seam.column} was cut off")
        colours, pixels = colours[:, seam.column :], pixels[:, seam.column :]
        check_size(pixels.shape[1], pixels.shape[0], path)
        _refuse_blank(pixels, path)
    mask = np.zeros(pixels.shape, bool)
    box = find_widget(pixels)
    if box is not None:
        layout = "cirrus_overlay" if layout == "plain" else layout
        notes.append("the burnt-in scan-direction mark was filled from its surroundings")
        mask |= widget_mask(pixels, box)
    if colours.ndim == 3:
        mask |= _coloured(colours, notes)
    if mask.any():
        pixels = fill(np.ascontiguousarray(pixels), mask)
    if looks_inverted(pixels):
        notes.append("the scan may be upside down (choroid above the retina); it was not turned")
    return BScan(np.ascontiguousarray(pixels), layout, tuple(notes))


def _upright_eight_bit(raster: Raster, notes: list[str]) -> np.ndarray:
    samples = raster.samples
    if raster.orientation != 1:
        samples = turned(samples, raster.orientation)
        notes.append(f"the picture was turned as its orientation tag ({raster.orientation}) says")
    return eight_bit(samples, notes)


def _refuse_blank(pixels: np.ndarray, path: Path) -> None:
    if float(pixels.std()) < _MIN_DEVIATION:
        raise ImagingError.of(
            path,
            f"a picture of one even grey (level {float(pixels.mean()):.0f})",
            "export the scan again and look at it",
        )


def _coloured(colours: np.ndarray, notes: list[str]) -> np.ndarray:
    """(H, W) bool of coloured marks to fill; a wholly coloured picture only gets a note."""
    marks = colour_mask(colours)
    if marks is not None:
        notes.append("coloured marks were filled from their surroundings")
        return marks
    spread = colours.max(axis=2).astype(np.int16) - colours.min(axis=2)
    if float(np.percentile(spread, 95)) > 10:
        notes.append("the picture is in colour; its brightness was taken")
    return np.zeros(colours.shape[:2], bool)
