"""Facts on one scan file of a cohort, and a thumbnail; the scan itself is not kept."""

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ctt_net.biomarkers.macular import read_macular_bscan
from ctt_net.check.finding import Check, Finding
from ctt_net.cohort.problem import Severity
from ctt_net.imaging import BScan, ImagingError, Note, signal_quality
from ctt_net.imaging.disc_side import disc_side
from ctt_net.imaging.encode import jpeg
from ctt_net.imaging.fingerprint import hashes_with_mirror, pixel_digest

_THUMBNAIL_WIDTH = 168
_JPEG_QUALITY = 80


@dataclass(frozen=True)
class ScanRecord:
    """Facts on one file, as they stand in one line of `scans.jsonl`.

    Args:
        path: Relative to the cohort folder.
        size: Bytes of the file.
        mtime_ns: Time of its last change; with the size it tells whether the file has changed.
        error: Why it cannot be read, empty if it can; all that follows is then meaningless.
        digest: SHA-256 of the decoded pixels.
        hashes: Perceptual hash of the scan and of its mirror image, hex.
        shape: Width and height, pixels.
        quality: Signal quality, 0..1.
        layout: What was found around the B-scan.
        notes: What the reader changed or doubts.
        overlays: Kinds of burnt-in marks.
        ends: The two letters of a scan-direction mark, left to right, None = no clear one.
        disc_end: End beyond which the optic disc lies, `left` or `right`, None = unclear.
        disc_strength: How clearly.
        thumbnail: JPEG in base64, empty if none was asked for.
    """

    path: str
    size: int
    mtime_ns: int
    error: str = ""
    digest: str = ""
    hashes: tuple[str, str] = ("", "")
    shape: tuple[int, int] = (0, 0)
    quality: float = 0.0
    layout: str = ""
    notes: tuple[Note, ...] = ()
    overlays: tuple[str, ...] = ()
    ends: str | None = None
    disc_end: str | None = None
    disc_strength: float = 0.0
    thumbnail: str = ""

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> "ScanRecord":
        """Rebuild from a parsed line; lists become tuples again.

        Raises:
            TypeError: If it is a line of another version.
        """
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in facts.items()
        }
        values["notes"] = tuple(Note(**note) for note in values.get("notes", ()))
        return cls(**values)


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


def found_in(
    scans: Sequence[Scan],
    check: Check,
    severity: Severity,
    message: str,
    column: str | None = None,
) -> Finding:
    """A finding that names the rows and files of these scans."""
    rows, paths = [scan.row for scan in scans], [scan.record.path for scan in scans]
    return check.found(severity, message, rows, column, paths)


def record_of(file: Path, path: str, thumbnail: bool) -> ScanRecord:
    """Read one scan.

    Args:
        file: The file.
        path: Its name in the record.
        thumbnail: Whether to draw one.
    """
    try:
        status = file.stat()
        size, mtime_ns = status.st_size, status.st_mtime_ns
    except OSError:
        size, mtime_ns = -1, -1  # the reader says what is wrong
    try:
        scan = read_macular_bscan(file)
    except ImagingError as error:
        return ScanRecord(path, size, mtime_ns, error=str(error))
    small = jpeg(scan.pixels, _THUMBNAIL_WIDTH, _JPEG_QUALITY, _THUMBNAIL_WIDTH)
    drawn = base64.b64encode(small).decode("ascii") if thumbnail else ""
    return _facts(scan, path, size, mtime_ns, drawn)


def _facts(scan: BScan, path: str, size: int, mtime_ns: int, thumbnail: str) -> ScanRecord:
    pixels = scan.pixels
    disc = disc_side(pixels)
    as_scanned, mirrored = hashes_with_mirror(pixels)
    return ScanRecord(
        path=path,
        size=size,
        mtime_ns=mtime_ns,
        digest=pixel_digest(pixels),
        hashes=(as_scanned.tobytes().hex(), mirrored.tobytes().hex()),
        shape=(pixels.shape[1], pixels.shape[0]),
        quality=signal_quality(pixels),
        layout=scan.device_layout,
        notes=scan.notes,
        overlays=scan.overlays,
        ends=scan.ends,
        disc_end=disc.end,
        disc_strength=abs(float(disc.strength)),
        thumbnail=thumbnail,
    )
