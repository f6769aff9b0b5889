"""Contract of a device format: suffixes, first bytes, and a reader."""

import datetime
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, TypeAlias

from ctt_net.devices.acquisition import Acquisition
from ctt_net.imaging.bscan import ImagingError
from ctt_net.imaging.decode.raster import MIN_SIDE

MAX_FILE_BYTES = 512 * 2**20
MAX_VOXELS = 256 * 2**20  # a Cirrus cube has 64, the densest Topcon cube about 120
EXPORT_AGAIN = "export or copy it from the device again"

Progress: TypeAlias = Callable[[int, int], None]


class DeviceReader(ABC):
    """One format. A reader takes no name, number or date of birth out of the file.

    Whatever else is wrong with a file may raise anything: `read_acquisitions` turns it into one
    message.
    """

    name: ClassVar[str]  # with article, for messages: "a Heidelberg .vol export"
    suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes (132 or more, if it has them) is one."""

    @abstractmethod
    def read(self, path: Path, progress: Progress) -> tuple[Acquisition, ...]:
        """All acquisitions in the file, in its order; at least one.

        Args:
            path: of the file.
            progress: is called with (done, total) B-scans.

        Raises:
            InputError: the file holds none that can be used.
        """


def read_whole(path: Path) -> bytes:
    """All bytes of a device file.

    Raises:
        ImagingError: larger than any export of one examination.
    """
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise ImagingError.of(
            path,
            f"a file of {size >> 20} MB (limit {MAX_FILE_BYTES >> 20} MB)",
            "export one acquisition at a time",
        )
    return path.read_bytes()


def check_volume(count: int, height: int, width: int, path: Path) -> None:
    """Check from the header alone that a volume is neither too large to decode nor too small.

    Raises:
        ImagingError: no B-scan, fewer than 64 pixels a side, or more than 268 million voxels.
    """
    if count < 1 or min(height, width) < MIN_SIDE:
        raise ImagingError.of(
            path,
            f"{count} B-scans of {width}x{height} pixels (at least {MIN_SIDE} a side are needed)",
            EXPORT_AGAIN,
        )
    if count * height * width > MAX_VOXELS:
        raise ImagingError.of(
            path,
            f"{count} B-scans of {width}x{height} pixels (limit {MAX_VOXELS >> 20} million)",
            "export one macular acquisition, or check that the file is whole",
        )


def plausible(value: float | None, smallest: float, largest: float) -> float | None:
    """The value, or None where a file holds nonsense in its place."""
    if value is None or not math.isfinite(value) or not smallest <= value <= largest:
        return None
    return float(value)


def iso_date(year: int, month: int, day: int) -> str | None:
    """`yyyy-mm-dd`, or None for what is no day since there is OCT."""
    try:
        date = datetime.date(year, month, day)
    except (ValueError, OverflowError):
        return None
    return date.isoformat() if 1984 <= date.year <= 2099 else None
