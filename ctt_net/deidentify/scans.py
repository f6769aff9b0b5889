"""Every scan decoded, cleaned and written as a new picture; nothing is copied byte by byte."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ctt_net.cohort import Cohort
from ctt_net.data.scans import ScanTask, check_readable, read_each, scan_tasks
from ctt_net.deidentify.png import bare_png
from ctt_net.deidentify.rows import Rows
from ctt_net.imaging import ImagingError
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.progress import progress_bar


@dataclass(frozen=True)
class WrittenScan:
    """One scan of the new cohort.

    Args:
        path: Relative to the new folder.
        row: Row of the original manifest, as a spreadsheet counts it.
        view: Its column.
        overlays: What was cut off or filled, see `ctt_net.imaging.BScan`.
        steady: Whether reading the written file gives exactly these pixels again.
    """

    path: str
    row: int
    view: str
    overlays: tuple[str, ...]
    steady: bool


def write_scans(cohort: Cohort, rows: Rows, folder: Path) -> list[WrittenScan]:
    """Write the scans of a cohort under their new names, and read each again.

    Args:
        cohort: The original.
        rows: Its new rows, which say the new names.
        folder: The new cohort folder.

    Returns:
        One entry per scan, in the order of the new names, which is also that of the writing: times
        of files say nothing of the original order.

    Raises:
        InputError: Naming each row, view and file that cannot be read.
    """
    new_row = {origin: position for position, origin in enumerate(rows.origin)}
    tasks = sorted(scan_tasks(cohort), key=lambda task: (new_row[task.position], task.view))
    names = [str(rows.table.loc[new_row[task.position], task.view_name]) for task in tasks]
    overlays, digests, broken = [], [], []
    with progress_bar("writing scans") as progress:
        for name, (task, result) in zip(names, read_each(tasks, progress), strict=True):
            if isinstance(result, ImagingError):
                broken.append(f"row {task.row}, column {task.view_name}: {result}")
                continue
            overlays.append(result.overlays)
            digests.append(_digest(result.pixels))
            atomic_write(folder / name, bare_png(result.pixels))
    check_readable(cohort, broken)
    steady = _read_again(tasks, names, digests, folder)
    facts = zip(names, tasks, overlays, steady, strict=True)
    return [
        WrittenScan(name, task.row, task.view_name, found, same)
        for name, task, found, same in facts
    ]


def _read_again(
    tasks: list[ScanTask], names: Sequence[str], digests: Sequence[str], folder: Path
) -> list[bool]:
    """Whether the reader takes each written scan as it is, so that a network sees the same."""
    written = [replace(task, path=folder / name) for task, name in zip(tasks, names, strict=True)]
    with progress_bar("reading the written scans") as progress:
        return [
            not isinstance(result, ImagingError) and _digest(result.pixels) == digest
            for digest, (_, result) in zip(digests, read_each(written, progress), strict=True)
        ]


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
