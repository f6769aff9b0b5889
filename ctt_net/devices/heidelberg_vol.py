"""Heidelberg .vol: the raw export of a Spectralis (HSF-OCT-1xx).

A header of 2048 bytes, the en-face picture, then each B-scan behind a header of its own.
"""

import datetime
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
from ctt_net.devices.geometry import is_circle, pattern_of, spacing_um
from ctt_net.devices.samples import heidelberg_grey
from ctt_net.imaging.bscan import ImagingError

_MAGIC = b"HSF-OCT-"
# Version, W, N, H, scale x, distance, scale y, en-face width and height, two scales, field,
# focus, eye, time of examination, pattern, size of a B-scan's header. Whose eye it is stands
# behind that and is not read.
_HEADER = struct.Struct("<12sIIIdddIIddId4sQiI")
_HEADER_SIZE = 2048
_VISIT_DAY = 200  # where the day of the visit stands, in days
_BSCAN_HEADER = struct.Struct("<16x4dIIf")  # start x, y, end x, y, layers, their place, quality
_PATTERNS = {1: "line", 2: "circular", 3: "raster", 4: "raster", 5: "radial"}
_TICKS = 10_000_000  # of 100 ns since 1601


class HeidelbergVol(DeviceReader):
    """Raw Spectralis export of one acquisition."""

    name = "a Heidelberg .vol export"
    suffixes = (".vol",)

    def recognises(self, head: bytes) -> bool:
        """By its version text."""
        return head.startswith(_MAGIC)

    def read(self, path: Path, progress: Progress) -> tuple[Acquisition, ...]:
        """The one acquisition of the file."""
        data = read_whole(path)
        (_, width, count, height, scale_x, distance, scale_y, slo_width, slo_height, *_, eye) = (
            _HEADER.unpack_from(data)[:14]
        )
        ticks, code, header_size = _HEADER.unpack_from(data)[14:]
        check_volume(count, height, width, path)
        start = _HEADER_SIZE + slo_width * slo_height
        stride = header_size + 4 * width * height
        held = (len(data) - start) // stride
        if held < count:
            raise ImagingError.of(
                path, f"a truncated .vol file ({max(held, 0)} of {count} B-scans)", EXPORT_AGAIN
            )
        lines = np.array(
            [_BSCAN_HEADER.unpack_from(data, start + i * stride) for i in range(count)]
        )
        bscans = np.empty((count, height, width), np.uint8)
        for i in range(count):
            place = start + i * stride + header_size
            values = np.frombuffer(data, "<f4", width * height, place).reshape(height, width)
            bscans[i] = heidelberg_grey(values)
            progress(i + 1, count)
        lateral = plausible(scale_x * 1000, 0.5, 100)
        positions = lines[:, :4] if np.abs(lines[:, :4]).max() < 100 else None
        pattern = _PATTERNS.get(code, "unknown")
        if pattern == "unknown" and positions is not None:
            circle = count == 1 and is_circle(positions[0], (lateral or 0) * width / 1000)
            pattern = "circular" if circle else pattern_of(positions)
        spacing = plausible(distance * 1000, 1, 5000) if pattern == "raster" else None
        if spacing is None and positions is not None:
            spacing = spacing_um(positions)
        quality = plausible(float(np.median(lines[:, 6])), 0, 100)
        acquisition = Acquisition(
            bscans=bscans,
            laterality={b"OD": "OD", b"OS": "OS"}.get(eye[:2]),
            manufacturer="Heidelberg Engineering",
            device="Spectralis",
            pattern=pattern,
            positions=positions,
            axial_um_per_px=plausible(scale_y * 1000, 0.5, 100),
            lateral_um_per_px=lateral,
            spacing_um=spacing,
            scan_date=_date(struct.unpack_from("<d", data, _VISIT_DAY)[0], ticks),
            quality_value=quality,
            quality_scale=None if quality is None else "Heidelberg quality, dB",
        )
        return (acquisition,)


def _date(visit: float, ticks: int) -> str | None:
    """The visit's day; else the examination's, which is in world time and may be the next."""
    if 30_000 < visit < 73_000:  # 1982 to 2099
        day = datetime.date(1899, 12, 30) + datetime.timedelta(days=int(visit))
    elif 140_000 < ticks // (_TICKS * 86400) < 182_000:
        day = datetime.date(1601, 1, 1) + datetime.timedelta(days=ticks // (_TICKS * 86400))
    else:
        return None
    return iso_date(day.year, day.month, day.day)
