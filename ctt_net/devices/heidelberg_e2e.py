"""Heidelberg .e2e: the archive of whole examinations, through eyepy.

The format is undocumented and known only by reverse engineering. Lengths are stored
as angles; 0.29 mm a degree is the emmetropic eye's (Bennett, Rudnicka, Edgar 1994).
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from ctt_net.devices.acquisition import Acquisition
from ctt_net.devices.base import (
    EXPORT_AGAIN,
    MAX_FILE_BYTES,
    DeviceReader,
    Progress,
    check_volume,
    plausible,
)
from ctt_net.devices.geometry import pattern_of, spacing_um
from ctt_net.devices.samples import heidelberg_grey
from ctt_net.imaging.bscan import ImagingError

_MM_PER_DEGREE = 0.29
# eyepy gives the letter's number, its text or the name of an enumeration's member.
_EYES = {"82": "OD", "76": "OS", "R": "OD", "L": "OS", "OD": "OD", "OS": "OS"}
_PATTERNS = {2: "circular", 5: "radial"}
_FIRST_DIRECTORY, _CONTAINER_HEADER = 88, 60  # bytes
_DIRECTORY = struct.Struct("<12s24xI12x")  # mark, entries
_ENTRY = struct.Struct("<4xII32x")  # start and size of what it points to
_LONGEST_DIRECTORY = 65536  # 512 in every file described
_EMPTY = 1.99  # what eyepy's table gives for pixels without a sample
_NOTE = f"lengths were computed from angles at {_MM_PER_DEGREE} mm a degree, true within about 15 %"


class HeidelbergE2e(DeviceReader):
    """Archive of a Spectralis."""

    name = "a Heidelberg .e2e export"
    suffixes = (".e2e",)

    def recognises(self, head: bytes) -> bool:
        """By the marks of the archive and of its directory."""
        return head.startswith((b"CMDb", b"MDbM"))

    def read(self, path: Path, progress: Progress) -> tuple[Acquisition, ...]:
        """One acquisition for each series that holds B-scans."""
        from eyepy.io.he import HeE2eReader

        if path.stat().st_size > MAX_FILE_BYTES:
            raise ImagingError.of(
                path,
                f"a file of more than {MAX_FILE_BYTES >> 20} MB",
                "export one examination at a time",
            )
        _check_directory(path)
        found = []
        with HeE2eReader(path) as archive:
            for series in archive.series:
                acquisition = acquisition_of_series(series, path, progress)
                if acquisition is not None:
                    found.append(acquisition)
        if not found:
            raise ImagingError.of(path, "an .e2e file without OCT", "export the OCT examination")
        return tuple(found)


def _check_directory(path: Path) -> None:
    """Follow the chain of directories, which eyepy would follow in circles or without end.

    Raises:
        ImagingError: one stands twice in the chain or is absurdly long.
    """
    seen: set[int] = set()
    place = _FIRST_DIRECTORY
    with path.open("rb") as stream:
        end = stream.seek(0, 2)
        while place + _DIRECTORY.size <= end:
            stream.seek(place)
            mark, count = _DIRECTORY.unpack(stream.read(_DIRECTORY.size))
            last = place + _DIRECTORY.size + (count - 1) * _ENTRY.size
            if not mark.isascii() or count == 0 or last + _ENTRY.size > end:
                return
            seen.add(place)
            stream.seek(last)
            start, size = _ENTRY.unpack(stream.read(_ENTRY.size))
            place = start + size + _CONTAINER_HEADER
            if place in seen or count > _LONGEST_DIRECTORY:
                raise ImagingError.of(path, "an .e2e file that is damaged", EXPORT_AGAIN)


def acquisition_of_series(
    series: Any, path: Path, progress: Progress = lambda done, total: None
) -> Acquisition | None:
    """The acquisition that one series of the archive holds, or None if it holds no B-scan.

    Args:
        series: eyepy's series, with `slices` and `laterality()`.
        path: of the archive, for messages.
        progress: is called with (done, total) B-scans.
    """
    metas, slices = [], []
    for key in sorted(series.slices):
        try:
            metas.append(series.slices[key].get_meta())
        except (KeyError, IndexError):  # an en-face picture on its own
            continue
        slices.append(series.slices[key])
    if not slices:
        return None
    height, width = int(metas[0]["size_y"]), int(metas[0]["size_x"])
    check_volume(len(slices), height, width, path)
    bscans = np.empty((len(slices), height, width), np.uint8)
    for i, one in enumerate(slices):
        values = np.asarray(one.get_bscan(), np.float32)
        bscans[i] = heidelberg_grey(np.where(values > _EMPTY, 0, values))
        progress(i + 1, len(slices))
    degrees = np.array([[*meta["start_pos"], *meta["end_pos"]] for meta in metas], float)
    positions = degrees * _MM_PER_DEGREE if np.abs(degrees).max() < 90 else None
    lateral = None
    pattern = _PATTERNS.get(int(metas[0]["scan_pattern"]), "unknown")
    if positions is not None and pattern != "circular":
        length = float(np.median(np.hypot(*(positions[:, 2:] - positions[:, :2]).T)))
        lateral = plausible(length * 1000 / width, 0.5, 100)
        pattern = pattern_of(positions)
    quality = plausible(float(np.median([float(m.get("quality_ui", -1)) for m in metas])), 0, 100)
    return Acquisition(
        bscans=bscans,
        laterality=_laterality(series),
        manufacturer="Heidelberg Engineering",
        device="Spectralis",
        pattern=pattern,
        positions=positions,
        axial_um_per_px=plausible(float(metas[0]["scale_y"]) * 1000, 0.5, 100),
        lateral_um_per_px=lateral,
        spacing_um=None if positions is None else spacing_um(positions),
        scan_date=_date(str(metas[0].get("acquisitionTime", ""))),
        quality_value=quality,
        quality_scale=None if quality is None else "Heidelberg quality, dB",
        notes=() if positions is None else (_NOTE,),
    )


def _laterality(series: Any) -> str | None:
    try:
        name = str(series.laterality())
    except (KeyError, IndexError):  # the archive does not say
        return None
    return _EYES.get(name.rsplit(".", 1)[-1])


def _date(text: str) -> str | None:
    return text[:10] if "1984" <= text[:4] <= "2099" and text[4:5] == "-" else None
