"""What was learnt of each scan, kept in the output folder as it comes in.

One line per file, only ever appended to, so that an examination cut short (power, Ctrl-C) goes on
where it stopped. Nothing is kept inside the cohort folder.
"""

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from types import TracebackType

from ctt_net import imaging
from ctt_net.check.scans import record as record_file
from ctt_net.check.scans.record import ScanRecord
from ctt_net.io.atomic_write import atomic_write, named

RECORDS_FILE = "scans.jsonl"
THUMBNAILS = "thumbnails"


class KeptRecords:
    """The records of an output folder, or of none.

    Args:
        out: Output folder; None keeps nothing.

    Raises:
        InputError: If there is no writing there.
    """

    def __init__(self, out: Path | None) -> None:
        self.out = out
        self._known: dict[str, ScanRecord] = {}
        self._file = None
        if out is None:
            return
        path = out / RECORDS_FILE
        with named(path):
            (out / THUMBNAILS).mkdir(parents=True, exist_ok=True)
            old = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
            for line in old.splitlines():
                self._remember(line)
            self._file = path.open("a", encoding="utf-8")
            if old and not old.endswith("\n"):
                self._file.write("\n")  # the last run was cut short in the middle of a line

    def __enter__(self) -> "KeptRecords":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None and self.out is not None:
            with named(self.out / RECORDS_FILE):  # a line that did not fit is tried once more
                self._file.close()

    def get(self, file: Path, path: str) -> ScanRecord | None:
        """The record of a file, if it is still the file it was.

        Args:
            file: The file.
            path: What it is called in the records.
        """
        record = self._known.get(path)
        if record is None or self.out is None:
            return None
        try:
            status = file.stat()
        except OSError:
            return None
        same = (record.size, record.mtime_ns) == (status.st_size, status.st_mtime_ns)
        drawn = bool(record.error) or self.thumbnail(record) is not None
        return record if same and drawn else None

    def add(self, record: ScanRecord, jpeg: bytes) -> None:
        """Keep one more, at once."""
        if self.out is None or self._file is None:
            return
        if jpeg:
            atomic_write(self.out / THUMBNAILS / _name(record), jpeg)
        with named(self.out / RECORDS_FILE):
            self._file.write(f'{{"reader": "{reader_version()}", "scan": {record.to_line()}}}\n')
            self._file.flush()

    def thumbnail(self, record: ScanRecord) -> Path | None:
        """The drawn thumbnail of a scan, None if there is none."""
        if self.out is None or not record.digest:
            return None
        path = self.out / THUMBNAILS / _name(record)
        return path if path.exists() else None

    def _remember(self, line: str) -> None:
        """Learn from one line; half a line, or one of another reader, is skipped."""
        try:
            kept = json.loads(line)
            if kept["reader"] == reader_version():
                record = ScanRecord.from_dict(kept["scan"])
                self._known[record.path] = record
        except (ValueError, KeyError, TypeError, AttributeError):
            return


def _name(record: ScanRecord) -> str:
    return f"{record.digest[:24]}.jpg"


@lru_cache(maxsize=1)
def reader_version() -> str:
    """Short digest of the code that reads scans: what another code has learnt is not believed."""
    code = hashlib.sha256()
    for path in (*sorted(Path(imaging.__path__[0]).rglob("*.py")), Path(record_file.__file__)):
        code.update(path.read_bytes())
    return code.hexdigest()[:16]
