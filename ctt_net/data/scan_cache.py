"""Decoded scans kept on disk, for many trainings on one cohort."""

import contextlib
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctt_net import __version__
from ctt_net.biomarkers.macular import macular_reader_version
from ctt_net.imaging import Preprocessing
from ctt_net.io.atomic_write import atomic_write

Arrays = dict[str, NDArray[Any]]


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


def kept_arrays(
    folder: Path,
    tasks: Sequence[ScanTask],
    preprocessing: Preprocessing,
    read: Callable[[], Arrays],
) -> Arrays:
    """Scans as they were read before, if nothing has changed since; else read and kept.

    A file counts as unchanged if its size and time of change are; the code that reads scans counts
    too.

    Args:
        folder: Of the cache; made if need be. It holds patients' scans, as the cohort does.
        tasks: Which files become which scans.
        preprocessing: Scan file to network input.
        read: Reads them.
    """
    path = folder / f"{_name(tasks, preprocessing)}.npz"
    # A file that was cut short is as good as none.
    damaged = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)
    with contextlib.suppress(*damaged), np.load(path, allow_pickle=False) as kept:
        return dict(kept)
    arrays = read()
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    atomic_write(path, file.getvalue())
    return arrays


def _name(tasks: Sequence[ScanTask], preprocessing: Preprocessing) -> str:
    files = []
    for task in tasks:
        facts = task.path.stat()
        place = (task.position, task.view, task.laterality, task.direction)
        files.append([str(task.path.resolve()), facts.st_size, facts.st_mtime_ns, *place])
    what = [__version__, macular_reader_version(), preprocessing.to_dict(), files]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()
