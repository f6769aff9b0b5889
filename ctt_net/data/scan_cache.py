"""Prepared scans kept on disk, a small file each, so that the next command decodes nothing.

An entry is named after all that decides on its content: path, size and time of change of the file,
not its bytes, since reading and hashing those takes a third of the time that decoding a raw TIFF
does, and a network drive has to send them; the preprocessing; the side and the direction; and the
code that reads scans. A cohort that has got one more scan reads one. Entries appear whole, so that
several processes can fill one folder, and begin with a checksum: what is damaged is read anew.
"""

import contextlib
import hashlib
import inspect
import json
import math
import os
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from ctt_net import __version__
from ctt_net.biomarkers.macular import macular_reader_version
from ctt_net.imaging import BScan, Preprocessing
from ctt_net.io.atomic_write import atomic_write, named

Arrays = dict[str, NDArray[Any]]
Measure = Callable[[BScan], Arrays]

# Folder of the cache of every command that is given none.
VARIABLE = "CTT_NET_SCAN_CACHE"
# Beyond it the entries that were not used for longest are deleted: 700,000 scans of the default
# size.
MOST_BYTES = 20 * 2**30

_CHECKSUM = 4  # bytes in front of the arrays


@dataclass(frozen=True)
class ScanTask:
    """One file to read: place in the table and the manifest, number and name of the view, side.

    Row 0 is that of an eye which stands in no manifest.
    """

    position: int
    row: int
    view: int
    view_name: str
    path: Path
    laterality: str
    direction: str


class ScanCache:
    """A folder of prepared scans; it holds patients' scans, as the cohort does.

    Args:
        folder: Made if need be; None = as the environment variable `CTT_NET_SCAN_CACHE` says, and
            nothing is kept where that is not set either.
        preprocessing: Scan file to network input.
        measure: What else is kept of each scan.
    """

    def __init__(
        self, folder: Path | None, preprocessing: Preprocessing, measure: Measure | None = None
    ) -> None:
        default = os.environ.get(VARIABLE)
        self.folder = Path(default) if folder is None and default else folder
        self._written = False
        code = "" if measure is None else Path(inspect.getfile(measure)).read_text("utf-8")
        self._version = [__version__, macular_reader_version(), preprocessing.to_dict(), code]

    def entry(self, task: ScanTask) -> Path | None:
        """Where a scan is kept, to be asked before its file is read; None = nowhere."""
        if self.folder is None:
            return None
        try:
            facts = task.path.stat()
        except OSError:  # the reader says what is wrong
            return None
        file = [os.path.realpath(task.path), facts.st_size, facts.st_mtime_ns]
        what = [*self._version, *file, task.laterality, task.direction]
        name = hashlib.sha256(json.dumps(what).encode()).hexdigest()
        return self.folder / name[:2] / name

    def get(self, entry: Path) -> Arrays | None:
        """What is kept there, if it is whole."""
        try:
            content = entry.read_bytes()
        except OSError:
            return None
        if content[:_CHECKSUM] != _checksum(content[_CHECKSUM:]):
            return None
        arrays: Arrays = load(content[_CHECKSUM:])
        with contextlib.suppress(OSError):  # another user's
            os.utime(entry)
        return arrays

    def put(self, entry: Path, arrays: Arrays) -> None:
        """Keep a scan.

        Raises:
            InputError: If the folder cannot be written.
        """
        content = save(arrays)
        atomic_write(entry, _checksum(content) + content)
        self._written = True

    def zeros(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Zeros for the pixels of a cohort; with a folder in a mapped file, not in memory.

        The file has no name and is gone with the process.

        Raises:
            InputError: If the folder cannot be written.
        """
        if self.folder is None or 0 in shape:
            return np.zeros(shape, np.uint8)
        with named(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder) as file:
                if hasattr(os, "posix_fallocate"):  # else a full disk would end the process later
                    os.posix_fallocate(file.fileno(), 0, math.prod(shape))
                return np.asarray(np.memmap(file, np.uint8, mode="w+", shape=shape))

    def trim(self) -> None:
        """Delete what was not used for longest, once there is too much."""
        if self.folder is None or not self._written:
            return
        entries = []
        for path in self.folder.glob("*/*"):
            try:
                facts = path.stat()
            except OSError:  # another process has deleted it
                continue
            entries.append((facts.st_mtime_ns, facts.st_size, path))
        too_much = sum(size for _, size, _ in entries) - MOST_BYTES
        for _, size, path in sorted(entries):
            if too_much <= 0:
                return
            path.unlink(missing_ok=True)
            too_much -= size


def _checksum(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(_CHECKSUM, "big")
