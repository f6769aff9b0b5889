"""TIFF of any sample type to samples, through tifffile (Pillow knows too few of them)."""

import io
import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from ctt_net.errors import install_extra
from ctt_net.imaging.bscan import ImagingError, Note
from ctt_net.imaging.decode.raster import (
    MAX_DECODED_BYTES,
    PRINT_COLOURS,
    Raster,
    check_single,
    check_size,
    drop_alpha,
)

_FIX = "export or copy the scan again, as an uncompressed TIFF or a PNG"
_ORIENTATION_TAG = 274


def decode_tiff(data: bytes, path: Path) -> Raster:
    """Decode a TIFF of one picture held in memory.

    Raises:
        ImagingError: too large, too small, several pictures, truncated, or colours that are no
            picture's.
    """
    try:
        with _quiet(), tifffile.TiffFile(io.BytesIO(data)) as tiff:
            page = tiff.pages.first
            check_size(int(page.imagewidth), int(page.imagelength), path)
            _check_page(page, len(data), path)
            check_single(_pictures(tiff, page), path)
            notes: list[Note] = []
            samples = _samples(page, path, notes)
            return Raster(samples, _orientation(page), notes)
    except ImagingError:
        raise
    except Exception as problem:  # garbled tags and streams make the decoders raise anything
        reason = " ".join(str(problem).split())[:80] or type(problem).__name__
        raise ImagingError.of(
            path, f"a TIFF file that is truncated or damaged ({reason})", _FIX
        ) from problem


def _check_page(page: tifffile.TiffPage, file_bytes: int, path: Path) -> None:
    """Check the header before any sample is decoded."""
    if page.imagedepth != 1 or not 1 <= page.samplesperpixel <= 5:
        raise ImagingError.of(path, "a TIFF volume or spectral stack", "export single B-scans")
    if page.dtype is None or page.dtype.kind not in "uifb":
        raise ImagingError.of(path, "a TIFF with unknown sample type", _FIX)
    if page.compression not in tifffile.TIFF.DECOMPRESSORS:
        raise ImagingError.of(
            path,
            f"a TIFF compressed as {getattr(page.compression, 'name', page.compression)}",
            f"{_FIX}, or {install_extra('formats')}",
        )
    if page.size * page.dtype.itemsize > MAX_DECODED_BYTES:
        raise ImagingError.of(
            path, f"a TIFF that decodes to {page.size * page.dtype.itemsize >> 20} MB", _FIX
        )
    ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if not ends or max(ends) > file_bytes or min(page.databytecounts) <= 0:
        raise ImagingError.of(path, "a TIFF file that is truncated", "copy the scan again")


def _samples(page: tifffile.TiffPage, path: Path, notes: list[Note]) -> np.ndarray:
    """(H, W) or (H, W, 3) with palette, planes, inverted grey and print colours resolved."""
    samples = np.asarray(page.asarray())
    if page.samplesperpixel > 1 and int(page.planarconfig) == 2:
        if np.ptp(samples[:3], axis=0).astype(bool).mean() > 0.5:  # a stack stored as colour planes
            check_single(page.samplesperpixel, path)
        samples = np.moveaxis(samples, 0, -1)
    samples = samples.reshape(page.imagelength, page.imagewidth, -1)
    photometric = int(page.photometric)
    if photometric == 3:
        return _from_palette(samples[..., 0], page.colormap)
    if photometric == 0:
        return _inverted(samples[..., 0], int(page.bitspersample), notes)
    if photometric == 5 and samples.shape[2] >= 4 and samples.dtype == np.uint8:
        notes.append(PRINT_COLOURS)
        ink = 255 - samples[..., :4].astype(np.uint16)
        return (ink[..., :3] * ink[..., 3:] // 255).astype(np.uint8)
    if photometric not in (1, 2, 6):
        raise ImagingError.of(path, f"a TIFF in colour space {photometric}", "export it as grey")
    if photometric == 1:
        samples = samples[..., : 2 if samples.shape[2] > 1 else 1]
    return drop_alpha(samples[..., :4], notes)


def _from_palette(indices: np.ndarray, colormap: np.ndarray | None) -> np.ndarray:
    if colormap is None:
        raise ValueError("a palette picture without its palette")
    table = np.asarray(colormap).T  # (colours, 3)
    if table.max() > 255:  # the standard's 16 bit entries; some writers store 8 bit ones
        table = table >> 8
    return table.astype(np.uint8)[np.minimum(indices, len(table) - 1)]


def _inverted(samples: np.ndarray, bits: int, notes: list[Note]) -> np.ndarray:
    notes.append(Note("white_is_zero", "the file stores white as 0 and was inverted"))
    if samples.dtype == np.bool_:
        return ~samples
    if samples.dtype.kind == "u":
        return ((1 << bits) - 1 - samples.astype(np.int64)).astype(samples.dtype)
    return samples.max() + samples.min() - samples


def lzw_by_pillow(data: bytes, /, *, out: int) -> bytes:
    """LZW, as Cirrus exports it, which tifffile cannot decode without imagecodecs (80 MB).

    Args:
        data: One strip or tile.
        out: Bytes it decodes to.
    """
    tags = {256: out, 257: 1, 258: 8, 259: 5, 262: 1, 273: 122, 277: 1, 278: 1, 279: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    one_row = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + data
    with Image.open(io.BytesIO(one_row), formats=["TIFF"]) as image:
        return image.tobytes()


if 5 not in tifffile.TIFF.DECOMPRESSORS:
    vars(tifffile.tifffile.imagecodecs)["lzw_decode"] = lzw_by_pillow


def _pictures(tiff: tifffile.TiffFile, first: tifffile.TiffPage) -> int:
    """How many pictures of full size: thumbnails and masks (TIFF 6.0, tag 254) are none."""
    try:
        whole = sum(not getattr(page, "subfiletype", 0) & 0b101 for page in tiff.pages)
        return max(whole, tiff.series[0].size // first.size)  # ImageJ: many behind one header
    except Exception:  # a broken chain behind the page we read
        return 1


def _orientation(page: tifffile.TiffPage) -> int:
    tag = page.tags.get(_ORIENTATION_TAG)
    value = getattr(tag, "value", 1)
    return int(value) if isinstance(value, int) and value in range(1, 9) else 1


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep tifffile's warnings about odd tags off the user's screen."""
    log = logging.getLogger("tifffile")
    before = log.disabled
    log.disabled = True
    try:
        yield
    finally:
        log.disabled = before
