"""Zeiss Cirrus .img: bare samples of 8 bits, whose facts stand in the file's name.

The Cirrus names its files `<anything>_<protocol>_<m-d-yyyy>_<h-m-s>_<OD|OS>_sn<number>_<kind>.img`.
Only these fields are taken. What stands before them is the site's own text: a study number, which
may hold OS, a date or 10x20 and is not kept. A file under another name has no eye and no date.

Published readers disagree on the order of the samples: row after row with each B-scan turned by
180 degrees (three of them), or A-scan after A-scan, upright (one). The samples themselves decide:
neighbouring samples of the eye are correlated.
"""

import re
from pathlib import Path

import numpy as np

from ctt_net.devices.acquisition import Acquisition
from ctt_net.devices.base import DeviceReader, Progress, check_volume, iso_date, read_whole
from ctt_net.imaging.bscan import ImagingError

_DEPTH_MM = 2.0
_CUBE_MM = 6.0
_FIELDS = re.compile(
    r".*?(?P<protocol>[^_]*)_(?P<month>\d{1,2})-(?P<day>\d{1,2})-(?P<year>\d{4})"
    r"_\d{1,2}-\d{1,2}-\d{1,2}(?:_(?P<eye>OD|OS))?(?:_sn[^_]*)?(?:_[a-z_]*)?\.img",
    re.IGNORECASE,
)
_CUBE = re.compile(r"Cube (\d{2,4})x(\d{1,3})(?!\d)", re.IGNORECASE)
_LINES = re.compile(r"(?<!\d)(5|21) Line", re.IGNORECASE)
_LINE_WIDTHS = (1024, 4096)
_LINE_ROWS = 1024
# Bytes of the protocols whose name may have been changed: (A-scans, B-scans, rows).
_BY_SIZE = {
    512 * 128 * 1024: (512, 128, 1024),
    200 * 200 * 1024: (200, 200, 1024),
    1024 * 21 * 1024: (1024, 21, 1024),
    4096 * 5 * 1024: (4096, 5, 1024),
    1024 * 5 * 1024: (1024, 5, 1024),
}
_KNOWN = (
    "export a Macular Cube 512x128 or 200x200, an HD 5 Line Raster or HD 21 Line: these are known"
)
_FIX = "give it back the name the Cirrus gave it, such as ..._Macular Cube 512x128_..._cube_z.img"


class ZeissImg(DeviceReader):
    """Research export of a Cirrus."""

    name = "a Zeiss Cirrus .img export"
    suffixes = (".img",)

    def recognises(self, head: bytes) -> bool:
        """Never: there is nothing but samples in it."""
        return False

    def read(self, path: Path, progress: Progress) -> tuple[Acquisition, ...]:
        """The one cube or set of lines of the file."""
        fields = _FIELDS.fullmatch(path.name)
        protocol = fields["protocol"] if fields else None
        if re.search(r"optic disc|anterior", protocol or path.stem, re.IGNORECASE):
            raise ImagingError.of(path, "a scan that is not macular, by its name", "name another")
        data = read_whole(path)
        width, count, height = _shape(path, protocol, len(data))
        check_volume(count, height, width, path)
        samples = np.frombuffer(data, np.uint8).reshape(count, -1)
        by_row = _correlation(samples, width) >= _correlation(samples, height)
        if by_row:
            bscans = samples.reshape(count, height, width)[:, ::-1, ::-1]
        else:
            bscans = samples.reshape(count, width, height).transpose(0, 2, 1)
        cube = count >= 64 or bool(_CUBE.search(protocol or ""))
        notes = [f"the samples were found to run {'row by row' if by_row else 'down each A-scan'}"]
        if cube:
            notes.append(
                "the file holds no sizes; those of the macular cube (6x6x2 mm) were taken, and "
                "the order of the B-scans, up or down, is not recorded"
            )
        else:
            notes.append("the file holds no sizes and no scan direction")
        if fields is None:
            notes.append("the name is not the Cirrus's own: no eye and no date were taken from it")
        acquisition = Acquisition(
            bscans=np.ascontiguousarray(bscans),
            laterality=(fields["eye"] or "").upper() or None if fields else None,
            manufacturer="Carl Zeiss Meditec",
            device="Cirrus",
            pattern="raster",
            axial_um_per_px=_DEPTH_MM * 1000 / height,
            lateral_um_per_px=_CUBE_MM * 1000 / width if cube else None,
            spacing_um=_CUBE_MM * 1000 / (count - 1) if cube and count > 1 else None,
            scan_date=_day(fields) if fields else None,
            notes=tuple(notes),
        )
        return (acquisition,)


def _day(fields: re.Match[str]) -> str | None:
    return iso_date(int(fields["year"]), int(fields["month"]), int(fields["day"]))


def _shape(path: Path, protocol: str | None, size: int) -> tuple[int, int, int]:
    """A-scans, B-scans and rows, by the protocol, or by the size of a file that has lost its name.

    Raises:
        ImagingError: an unknown protocol, or a size that is no whole scan.
    """
    if protocol is None:
        shape = _BY_SIZE.get(size)
        if shape is None:
            raise ImagingError.of(path, f"{size} bytes under a name that tells no protocol", _FIX)
        return shape
    cube, lines = _CUBE.search(protocol), _LINES.search(protocol)
    if cube:
        width, count = int(cube[1]), int(cube[2])
        shape = (width, count, size // max(width * count, 1))
    elif lines:
        count = int(lines[1])
        width = next((w for w in _LINE_WIDTHS if w * count * _LINE_ROWS == size), 0)
        shape = (width, count, _LINE_ROWS)
    else:
        raise ImagingError.of(path, f"the Cirrus protocol {protocol!r}, not known here", _KNOWN)
    if size == 0 or shape[0] * shape[1] * shape[2] != size:
        found = f"{size} bytes, which are no whole scan of the protocol {protocol!r}"
        raise ImagingError.of(path, found, "copy or export it from the Cirrus again")
    return shape


def _correlation(samples: np.ndarray, step: int) -> float:
    """Autocorrelation of the middle B-scan at a distance of `step` samples."""
    one = samples[len(samples) // 2].astype(np.float32)
    one -= one.mean()
    return float((one[step:] * one[:-step]).mean() / max(float((one * one).mean()), 1e-9))
