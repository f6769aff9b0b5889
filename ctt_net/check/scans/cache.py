"""Every scan of a cohort read in parallel, or taken from the cache of an earlier run.

The cache is one line per file in the output folder, only ever appended to, so that an interrupted
run (power, Ctrl-C) resumes where it stopped. Nothing is written into the cohort folder.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from ctt_net import __version__
from ctt_net.biomarkers.macular import macular_reader_version
from ctt_net.check.scans.record import Scan, ScanRecord, record_of
from ctt_net.data.scan_cache import ScanTask
from ctt_net.data.scans import Progress
from ctt_net.io.atomic_write import named
from ctt_net.io.cores import cores

RECORDS_FILE = "scans.jsonl"
_CHUNK = 64  # scans between two looks at Ctrl-C
_READER = f"{__version__} {macular_reader_version()}"  # records of another reader are not used


class RecordCache:
    """The records of an output folder, or of none.

    Args:
        out: Output folder; None keeps nothing.

    Raises:
        InputError: If it cannot be written.
    """

    def __init__(self, out: Path | None) -> None:
        self.path = None if out is None else out / RECORDS_FILE
        self._known: dict[str, ScanRecord] = {}
        if self.path is None:
            return
        with named(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            old = self.path.read_text("utf-8", "replace") if self.path.exists() else ""
            for line in old.splitlines():
                self._load(line)
            self._file = self.path.open("a", encoding="utf-8")
            if old and not old.endswith("\n"):
                self._file.write("\n")  # the last run was interrupted in the middle of a line

    def __enter__(self) -> "RecordCache":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.path is not None:
            with named(self.path):  # a line that did not fit is tried once more
                self._file.close()

    def get(self, file: Path, path: str) -> ScanRecord | None:
        """The record of a file, if the file has not changed since.

        Args:
            file: The file.
            path: Its name in the records.
        """
        record = self._known.get(path)
        if record is None:
            return None
        try:
            status = file.stat()
        except OSError:
            return None
        same = (record.size, record.mtime_ns) == (status.st_size, status.st_mtime_ns)
        return record if same else None

    def add(self, record: ScanRecord) -> None:
        """Keep one more, at once."""
        if self.path is not None:
            with named(self.path):
                self._file.write(f'{{"reader": "{_READER}", "scan": {record.to_line()}}}\n')
                self._file.flush()

    def _load(self, line: str) -> None:
        """Half a line, or one of another reader, is skipped."""
        try:
            kept = json.loads(line)
            if kept["reader"] == _READER:
                record = ScanRecord.from_dict(kept["scan"])
                self._known[record.path] = record
        except (ValueError, KeyError, TypeError, AttributeError):
            return


def read_scans(
    root: Path, tasks: list[ScanTask], cache: RecordCache, progress: Progress | None = None
) -> list[Scan]:
    """Read what is new or changed, in order.

    Args:
        root: Cohort folder.
        tasks: What to read.
        cache: What is known already; receives what is read.
        progress: Called with (done, total).
    """

    def read(task: ScanTask) -> tuple[ScanRecord, bool]:
        path = task.path.relative_to(root).as_posix()
        known = cache.get(task.path, path)
        if known is not None:
            return known, False
        return record_of(task.path, path, thumbnail=cache.path is not None), True

    scans = []
    with ThreadPoolExecutor(cores()) as pool:
        for start in range(0, len(tasks), _CHUNK):
            part = tasks[start : start + _CHUNK]
            for task, (record, new) in zip(part, pool.map(read, part), strict=True):
                if new:
                    cache.add(record)
                place = (task.position, task.row, task.view_name, task.laterality, task.direction)
                scans.append(Scan(*place, record))
            if progress is not None:
                progress(len(scans), len(tasks))
    return scans
