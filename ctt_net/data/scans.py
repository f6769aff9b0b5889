"""Every scan of a cohort decoded once, in parallel, to the network's input size; no torch here."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ctt_net.biomarkers.macular import read_macular_bscan
from ctt_net.cohort import Cohort
from ctt_net.data.scan_cache import Arrays, Measure, ScanCache, ScanTask
from ctt_net.errors import InputError, count_of
from ctt_net.imaging import (
    DOUBTS,
    BScan,
    ImagingError,
    Preprocessing,
    doubts_of,
    signal_quality,
)
from ctt_net.io.cores import cores

# Called with (done, total) after each scan.
Progress = Callable[[int, int], None]

# More unreadable files than this help nobody in one message.
SHOWN = 20

T = TypeVar("T")


@dataclass(frozen=True)
class Scans:
    """The decoded scans of a table.

    Args:
        pixels: (E, V, H, W) uint8, zero where absent.
        present: (E, V) bool.
        quality: (E, V) signal quality 0..1, NaN where absent.
        doubts: (E, V, `DOUBTS`) bool, what each scan says against itself.
    """

    pixels: NDArray[np.uint8]
    present: NDArray[np.bool_]
    quality: NDArray[np.float64]
    doubts: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __post_init__(self) -> None:
        if not self.doubts.size:  # none given, none raised
            none = np.zeros((*self.present.shape, len(DOUBTS)), dtype=bool)
            object.__setattr__(self, "doubts", none)

    def of(self, positions: NDArray[np.int64]) -> "Scans":
        """Scans of some rows only."""
        return Scans(*(array[positions] for array in vars(self).values()))

    def doubted(self, name: str) -> NDArray[np.bool_]:
        """(E,) whether any scan of an eye raises this one of `DOUBTS`."""
        return np.asarray(self.doubts[..., DOUBTS.index(name)].any(axis=1))


def scan_tasks(cohort: Cohort) -> list[ScanTask]:
    """All files that the cohort's rows name."""
    tasks = []
    records = cohort.table.to_dict("records")
    for position, (row, record) in enumerate(zip(cohort.rows, records, strict=True)):
        for number, (name, view) in enumerate(cohort.spec.views.items()):
            path = cohort.scan_path(record, name)
            if path is not None:
                side = record["laterality"]
                tasks.append(ScanTask(position, row, number, name, path, side, view.direction))
    return tasks


def read_each(
    tasks: list[ScanTask], progress: Progress | None = None
) -> Iterator[tuple[ScanTask, BScan | ImagingError]]:
    """Read scans on all cores (decoders release the GIL), in order; a bad one is its error."""
    return _each(tasks, lambda task: read_macular_bscan(task.path), progress)


def _each(
    tasks: list[ScanTask], work: Callable[[ScanTask], T], progress: Progress | None
) -> Iterator[tuple[ScanTask, T | ImagingError]]:
    """The same with what is made of each scan, on its core."""

    def read(task: ScanTask) -> T | ImagingError:
        try:
            return work(task)
        except ImagingError as error:
            return error

    # Small chunks, so that decoded pictures do not pile up in front of a slow consumer.
    chunk = 64
    with ThreadPoolExecutor(cores()) as pool:
        for start in range(0, len(tasks), chunk):
            part = tasks[start : start + chunk]
            for offset, (task, result) in enumerate(zip(part, pool.map(read, part), strict=True)):
                yield task, result
                if progress is not None:
                    progress(start + offset + 1, len(tasks))


def load_scans(
    cohort: Cohort,
    preprocessing: Preprocessing,
    progress: Progress | None = None,
    cache: Path | None = None,
    also: Callable[[ScanTask, BScan], None] | None = None,
) -> Scans:
    """Decode, orient, crop and resize every scan of a cohort.

    At 128x192 an eye of two views takes 49 kB, so 3,000 eyes fit in 150 MB and a second epoch
    decodes nothing. With a cache the pixels lie in a mapped file, so that a cohort may be larger
    than memory.

    Args:
        cohort: Whose scans.
        preprocessing: Scan file to network input.
        progress: Called after each scan.
        cache: Folder where prepared scans are kept for the next time, see `ScanCache`; None = as
            the environment variable `CTT_NET_SCAN_CACHE` says.
        also: Given each scan as it was read, in order; all are read then, and none is kept.

    Raises:
        InputError: Naming each row, view and file that cannot be read.
    """
    return measured_scans(cohort, preprocessing, None, progress, cache, also)[0]


def measured_scans(
    cohort: Cohort,
    preprocessing: Preprocessing,
    measure: Measure | None,
    progress: Progress | None = None,
    cache: Path | None = None,
    also: Callable[[ScanTask, BScan], None] | None = None,
) -> tuple[Scans, dict[tuple[int, int], Arrays]]:
    """Scans as `load_scans` gives them, and what is measured on each before it is prepared.

    Args:
        cohort: Whose scans.
        preprocessing: Scan file to network input.
        measure: Gives arrays, which a cache keeps with the scan; called on all cores.
        progress: As in `load_scans`.
        cache: As in `load_scans`.
        also: As in `load_scans`.

    Returns:
        The scans, and the arrays by row of the table and number of the view.

    Raises:
        InputError: As in `load_scans`.
    """
    kept = ScanCache(cache, preprocessing, measure)

    def work(task: ScanTask) -> tuple[Arrays, BScan | None, Path | None]:
        entry = kept.entry(task) if also is None else None
        found = None if entry is None else kept.get(entry)
        if found is not None:
            return found, None, None
        scan = read_macular_bscan(task.path)
        doubts = doubts_of(scan, task.laterality, task.direction)
        arrays = {
            "pixels": preprocessing(scan.pixels, task.laterality, task.direction),
            "quality": np.array(signal_quality(scan.pixels)),
            "doubts": np.array([name in doubts for name in DOUBTS]),
        }
        return arrays | ({} if measure is None else measure(scan)), scan, entry

    shape = (len(cohort.table), len(cohort.spec.views))
    scans = Scans(
        kept.zeros((*shape, preprocessing.height, preprocessing.width)),
        np.zeros(shape, dtype=bool),
        np.full(shape, np.nan),
    )
    measured: dict[tuple[int, int], Arrays] = {}
    broken = []
    for task, result in _each(scan_tasks(cohort), work, progress):
        if isinstance(result, ImagingError):
            row = f"row {task.row}, column" if task.row else task.laterality
            broken.append(f"{row} {task.view_name}: {result}")
            continue
        place = (task.position, task.view)
        arrays, scan, entry = result
        if entry is not None:
            kept.put(entry, arrays)
        if scan is not None and also is not None:
            also(task, scan)
        for name in ("pixels", "quality", "doubts"):
            getattr(scans, name)[place] = arrays.pop(name)
        scans.present[place] = True
        if arrays:
            measured[place] = arrays
    kept.trim()
    check_readable(cohort, broken)
    return scans, measured


def check_readable(cohort: Cohort, broken: list[str]) -> None:
    """Name scans that cannot be read, the first of them.

    Args:
        cohort: Theirs.
        broken: Row, view and what is wrong, of each.

    Raises:
        InputError: If there is one.
    """
    if broken:
        more = [f"... and {len(broken) - SHOWN} more"] if len(broken) > SHOWN else []
        head = f"{cohort.root}: {count_of(len(broken), 'scan')} cannot be read"
        raise InputError("\n  ".join([head, *broken[:SHOWN], *more]))
