"""Topcon .fda and .fds: named chunks behind a header of 15 bytes.

Layout as reverse-engineered by the uocte project and its successors. Chunks that identify the
patient are skipped unread.
"""

import struct
from pathlib import Path

import numpy as np

from ctt_net.devices.acquisition import Acquisition
from ctt_net.devices.base import (
    EXPORT_AGAIN,
    DeviceReader,
    Progress,
    check_volume,
    iso_date,
    plausible,
    read_whole,
)
from ctt_net.devices.samples import decode, deep_to_grey
from ctt_net.imaging.bscan import ImagingError

_HEADER_SIZE = 15  # FOCT, FDA or FAA, two version numbers
_JPEG = struct.Struct("<B8xIII4x")  # pattern, width, height, B-scans
_RAW = struct.Struct("<BIIIIBI")  # pattern, width, height, bits, B-scans, format, bytes
_PATTERNS = {0: "line", 1: "circular", 2: "raster", 3: "radial", 6: "raster", 7: "raster"}
_VERTICAL_RASTER = 6
_SIZES = ((b"@PARAM_SCAN_04", 12), (b"@PARAM_SCAN_02", 21))  # where three lengths stand
_CAPTURE = ((b"@CAPTURE_INFO_02", 106), (b"@CAPTURE_INFO", 1))  # where the date stands
_MODEL = (b"@HW_INFO_03", b"@HW_INFO_02", b"@HW_INFO_01")
_WANTED = (b"@IMG_", b"@PARAM_SCAN_", b"@CAPTURE_INFO", b"@HW_INFO_")


class Topcon(DeviceReader):
    """Raw export of a Topcon 3D OCT, DRI or Maestro."""

    name = "a Topcon .fda or .fds export"
    suffixes = (".fda", ".fds")

    def recognises(self, head: bytes) -> bool:
        """By its first four letters."""
        return head.startswith(b"FOCT")

    def read(self, path: Path, progress: Progress) -> tuple[Acquisition, ...]:
        """The one acquisition of the file."""
        chunks = _chunks(read_whole(path))
        notes = ["the order of the B-scans, up or down, is not recorded"]
        if b"@IMG_JPEG" in chunks:
            code, bscans = _from_jpeg(chunks[b"@IMG_JPEG"], path, progress)
        else:
            name = next((n for n in (b"@IMG_SCAN_03", b"@IMG_MOT_COMP_03") if n in chunks), None)
            if name is None:
                raise ImagingError.of(path, f"{self.name} without an OCT picture", EXPORT_AGAIN)
            code, bscans = _from_raw(chunks[name], path, notes)
        count, _, width = bscans.shape
        across, along, axial = _sizes(chunks)
        pattern = _PATTERNS.get(code, "unknown")
        if code == _VERTICAL_RASTER:
            across, along = along, across
        lateral = None if across is None else across * 1000 / width
        spacing = (
            along * 1000 / (count - 1) if along and count > 1 and pattern == "raster" else None
        )
        positions = None
        if code in (2, _VERTICAL_RASTER) and across and along:
            positions = _lines(count, across, along, vertical=code == _VERTICAL_RASTER)
        eye, date = _capture(chunks)
        model = next((bytes(chunks[name][:16]) for name in _MODEL if name in chunks), b"")
        acquisition = Acquisition(
            bscans=bscans,
            laterality=eye,
            manufacturer="Topcon",
            device=model.split(b"\0")[0].decode("ascii", errors="replace").strip(),
            pattern=pattern,
            positions=positions,
            axial_um_per_px=axial,
            lateral_um_per_px=plausible(lateral, 0.5, 200),
            spacing_um=plausible(spacing, 1, 5000),
            scan_date=date,
            notes=tuple(notes) if pattern == "raster" else tuple(notes[1:]),
        )
        return (acquisition,)


def _chunks(data: bytes) -> dict[bytes, memoryview]:
    """Name to content; the first of a name that comes several times."""
    found: dict[bytes, memoryview] = {}
    whole = memoryview(data)
    place = _HEADER_SIZE
    while place < len(data) and data[place]:
        name = data[place + 1 : place + 1 + data[place]]
        place += 1 + data[place]
        (size,) = struct.unpack_from("<I", data, place)
        if name.startswith(_WANTED):
            found.setdefault(name, whole[place + 4 : place + 4 + size])
        place += 4 + size
    return found


def _from_jpeg(chunk: memoryview, path: Path, progress: Progress) -> tuple[int, np.ndarray]:
    """JPEG 2000 pictures of 8 bits, each behind its size in bytes."""
    code, width, height, count = _JPEG.unpack_from(chunk)
    check_volume(count, height, width, path)
    bscans = np.empty((count, height, width), np.uint8)
    place = _JPEG.size
    for i in range(count):
        (size,) = struct.unpack_from("<I", chunk, place)
        picture = decode(bytes(chunk[place + 4 : place + 4 + size]), "jpeg2k", height, width)
        if picture.dtype != np.uint8:
            raise ImagingError.of(path, f"B-scans of {picture.dtype.name} samples", EXPORT_AGAIN)
        bscans[i] = picture
        place += 4 + size
        progress(i + 1, count)
    return code, bscans


def _from_raw(chunk: memoryview, path: Path, notes: list[str]) -> tuple[int, np.ndarray]:
    code, width, height, bits, count, _, _ = _RAW.unpack_from(chunk)
    check_volume(count, height, width, path)
    if bits != 16 or len(chunk) < _RAW.size + 2 * count * height * width:
        raise ImagingError.of(path, "B-scans that are truncated or not of 16 bits", EXPORT_AGAIN)
    samples = np.frombuffer(chunk, "<u2", count * height * width, _RAW.size)
    return code, deep_to_grey(samples.reshape(count, height, width), notes)


def _sizes(chunks: dict[bytes, memoryview]) -> tuple[float | None, ...]:
    """Width and height of the field, mm, and depth of a pixel, um."""
    for name, place in _SIZES:
        if name in chunks:
            x, y, z = struct.unpack_from("<3d", chunks[name], place)
            return plausible(x, 0.5, 30), plausible(y, 0.5, 30), plausible(z, 0.5, 100)
    return None, None, None


def _capture(chunks: dict[bytes, memoryview]) -> tuple[str | None, str | None]:
    for name, place in _CAPTURE:
        if name in chunks:
            eye = {0: "OD", 1: "OS"}.get(chunks[name][0])
            parts = struct.unpack_from("<3H", chunks[name], place)
            return eye, iso_date(*parts)
    return None, None


def _lines(count: int, across: float, along: float, *, vertical: bool) -> np.ndarray:
    """(N, 4) mm: parallel lines over the field."""
    offset = np.linspace(0, along, count)
    zero, full = np.zeros(count), np.full(count, across)
    if vertical:  # from below upwards, as every vertical scan here
        return np.stack([offset, full, offset, zero], axis=1)
    return np.stack([zero, offset, full, offset], axis=1)
