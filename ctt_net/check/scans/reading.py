"""Every scan of a cohort read in parallel; what an earlier run has read is not read again."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ctt_net.check.scans.cache import KeptRecords
from ctt_net.check.scans.record import ScanRecord, record_of
from ctt_net.data.scans import Progress, ScanTask

# Few at a time, so that an interruption is answered at once.
_CHUNK = 64


@dataclass(frozen=True)
class Scan:
    """A cell of the manifest that names a file, and the facts on that file.

    Args:
        position: Row of the cohort's table.
        row: Row of the manifest.
        view: Manifest column.
        laterality: As the manifest says.
        direction: As cohort.yaml says.
        record: The facts.
    """

    position: int
    row: int
    view: str
    laterality: str
    direction: str
    record: ScanRecord


def read_scans(
    root: Path, tasks: list[ScanTask], kept: KeptRecords, progress: Progress | None = None
) -> list[Scan]:
    """Read what is new or changed, in order.

    Args:
        root: Cohort folder.
        tasks: What to read.
        kept: What is known already; learns what is read.
        progress: Told (done, total).
    """

    def read(task: ScanTask) -> tuple[ScanRecord, bytes, bool]:
        path = task.path.relative_to(root).as_posix()
        known = kept.get(task.path, path)
        if known is not None:
            return known, b"", False
        return *record_of(task.path, path, thumbnail=kept.out is not None), True

    scans = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for start in range(0, len(tasks), _CHUNK):
            part = tasks[start : start + _CHUNK]
            for task, (record, jpeg, new) in zip(part, pool.map(read, part), strict=True):
                if new:
                    kept.add(record, jpeg)
                scans.append(
                    Scan(
                        *(task.position, task.row, task.view_name),
                        *(task.laterality, task.direction, record),
                    )
                )
            if progress is not None:
                progress(len(scans), len(tasks))
    return scans
