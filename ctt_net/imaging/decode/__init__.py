"""Scan files of any format decoded to samples (`decode_file`), and to 8 bit grey (`depth`)."""

from pathlib import Path

from ctt_net.imaging.decode.file_kind import kind_of, misnamed, read_limited
from ctt_net.imaging.decode.pillow import decode_by_pillow
from ctt_net.imaging.decode.raster import Raster
from ctt_net.imaging.decode.tiff import decode_tiff


def decode_file(path: Path) -> Raster:
    """Decode one PNG, TIFF, JPEG or BMP file, recognised by its content, not its name.

    Raises:
        ImagingError: missing, another kind of file, several pictures, too large, too small or
            damaged.
    """
    data = read_limited(path)
    kind = kind_of(data, path)
    raster = decode_tiff(data, path) if kind == "TIFF" else decode_by_pillow(data, kind, path)
    wrong_name = misnamed(kind, path)
    if wrong_name is not None:
        raster.notes.insert(0, wrong_name)
    return raster
