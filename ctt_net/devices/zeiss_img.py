"""Zeiss Cirrus .img: bare samples of 8 bits, whose facts stand in the file's name.

Published readers disagree on the order of the samples: row after row with each B-scan turned by
180 degrees (three of them), or A-scan after A-scan, upright (one). The samples themselves tell:
neighbours in the eye are alike. The sizes are those of the device's protocols. The name's first
part is the patient's number and is not kept.
"""

import re
from pathlib import Path

import numpy as np

from ctt_net.devices.acquisition import Acquisition
from ctt_net.devices.base import DeviceReader, Progress, check_volume, iso_date, read_whole
from ctt_net.imaging.failure import ImagingError

_DEPTH_MM = 2.0
_CUBE_MM = 6.0
_CUBE = re.compile(r"(?<!\d)(\d{2,4})x(\d{1,3})(?!\d)")
_LINES = re.compile(r"HD (\d{1,2}) Line", re.IGNORECASE)
_DATE = re.compile(r"(?<!\d)(\d{1,2})-(\d{1,2})-((?:19|20)\d{2})(?!\d)")  # month first
_EYE = re.compile(r"(?<![A-Za-z])(OD|OS)(?![A-Za-z])")
# Bytes of the protocols whose name may have been changed: (A-scans, B-scans, rows).
_BY_SIZE = {
    512 * 128 * 1024: (512, 128, 1024),
    200 * 200 * 1024: (200, 200, 1024),
    1024 * 21 * 1024: (1024, 21, 1024),
    4096 * 5 * 1024: (4096, 5, 1024),
    1024 * 5 * 1024: (1024, 5, 1024),
}
_CURE = "keep the name the Cirrus gave it, such as ..._Macular Cube 512x128_..._OD_..._cube_z.img"


class ZeissImg(DeviceReader):
    """Research export of a Cirrus."""

    name = "a Zeiss Cirrus .img export"
    suffixes = (".img",)

    def recognises(self, head: bytes) -> bool:
        """Never: there is nothing but samples in it."""
        return False

    def read(self, path: Path, progress: Progress) -> tuple[Acquisition, ...]:
        """The one cube or set of lines of the file."""
        if re.search(r"optic disc|anterior", path.name, re.IGNORECASE):
            raise ImagingError.of(path, "a scan that is not macular, by its name", "name another")
        data = read_whole(path)
        width, count, height = _shape(path, len(data))
        check_volume(count, height, width, path)
        samples = np.frombuffer(data, np.uint8).reshape(count, -1)
        by_row = _likeness(samples, width) >= _likeness(samples, height)
        if by_row:
            bscans = samples.reshape(count, height, width)[:, ::-1, ::-1]
        else:
            bscans = samples.reshape(count, width, height).transpose(0, 2, 1)
        cube = count >= 64 or bool(_CUBE.search(path.name))
        notes = [f"the samples were found to run {'row by row' if by_row else 'down each A-scan'}"]
        if cube:
            notes.append(
                "the file holds no sizes; those of the macular cube (6x6x2 mm) were taken, and "
                "the order of the B-scans, up or down, is not recorded"
            )
        else:
            notes.append("the file holds no sizes and no scan direction")
        eye = _EYE.search(path.name.replace("_", " "))
        day = _DATE.search(path.name)
        acquisition = Acquisition(
            bscans=np.ascontiguousarray(bscans),
            laterality=eye[1] if eye else None,
            manufacturer="Carl Zeiss Meditec",
            device="Cirrus",
            pattern="raster",
            axial_um_per_px=_DEPTH_MM * 1000 / height,
            lateral_um_per_px=_CUBE_MM * 1000 / width if cube else None,
            spacing_um=_CUBE_MM * 1000 / (count - 1) if cube and count > 1 else None,
            scan_date=iso_date(int(day[3]), int(day[1]), int(day[2])) if day else None,
            notes=tuple(notes),
        )
        return (acquisition,)


def _shape(path: Path, size: int) -> tuple[int, int, int]:
    """A-scans, B-scans and rows."""
    cube, lines = _CUBE.search(path.name), _LINES.search(path.name)
    shape = _BY_SIZE.get(size)
    if cube:
        width, count = int(cube[1]), int(cube[2])
        shape = (width, count, size // (width * count)) if width * count else None
    elif lines and shape is None:
        shape = (1024, int(lines[1]), size // max(1024 * int(lines[1]), 1))
    if shape is None or shape[0] * shape[1] * shape[2] != size or size == 0:
        raise ImagingError.of(path, f"{size} bytes, which are no whole Cirrus scan", _CURE)
    return shape


def _likeness(samples: np.ndarray, step: int) -> float:
    """How alike samples are that lie `step` apart: correlation, in the middle B-scan."""
    one = samples[len(samples) // 2].astype(np.float32)
    one -= one.mean()
    return float((one[step:] * one[:-step]).mean() / max(float((one * one).mean()), 1e-9))
