"""Scans decoded, cleaned and written as new PNG files without metadata."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ctt_net.cohort import Cohort
from ctt_net.data.scan_cache import ScanTask
from ctt_net.data.scans import check_readable, read_each, scan_tasks
from ctt_net.deidentify.rows import Rows
from ctt_net.imaging import ImagingError
from ctt_net.imaging.encode import png
from ctt_net.imaging.fingerprint import pixel_digest
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.progress import progress_bar

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PICTURE_ONLY = (b"IHDR", b"IDAT", b"IEND")


def bare_png(pixels: np.ndarray) -> bytes:
    """Encode a grey picture without any metadata.

    Args:
        pixels: (H, W) uint8.

    Returns:
        PNG of the chunks IHDR, IDAT and IEND only.
    """
    kept = [_SIGNATURE]
    for kind, payload in chunks(png(pixels)):
        if kind in _PICTURE_ONLY:
            check = struct.pack(">I", zlib.crc32(kind + payload))
            kept.append(struct.pack(">I", len(payload)) + kind + payload + check)
    return b"".join(kept)


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and payload of each chunk (PNG specification, section 5.3).

    Raises:
        ValueError: If the file is no PNG, is cut short, or goes on behind its end.
    """
    if not data.startswith(_SIGNATURE):
        raise ValueError("no PNG")
    place = len(_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        if place + 12 > len(data):
            raise ValueError("a PNG that is cut short")
        (length,) = struct.unpack_from(">I", data, place)
        kind = data[place + 4 : place + 8]
        yield kind, data[place + 8 : place + 8 + length]
        place += 12 + length
    if place != len(data):
        raise ValueError("bytes behind the end of the picture")


def picture_of(data: bytes) -> np.ndarray:
    """The (H, W) uint8 picture of a PNG as `bare_png` writes it.

    Raises:
        ValueError: If the file holds anything else: other chunks, another colour mode, or bytes
            beyond the rows of the picture.
    """
    parts = list(chunks(data))
    foreign = {kind for kind, _ in parts} - set(_PICTURE_ONLY)
    if foreign:
        raise ValueError(f"the chunk {sorted(foreign)[0]!r}, which is no part of a picture")
    width, height, *mode = struct.unpack(">IIBBBBB", parts[0][1])
    if mode != [8, 0, 0, 0, 0]:
        raise ValueError("a picture that is not 8 bit grey")
    stream = zlib.decompressobj()
    rows = stream.decompress(b"".join(payload for kind, payload in parts if kind == b"IDAT"))
    if len(rows) != height * (width + 1) or stream.unused_data or not stream.eof:
        raise ValueError("bytes beyond the rows of the picture")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("rows that cannot be decoded")
    return np.asarray(pixels)


@dataclass(frozen=True)
class WrittenScan:
    """One scan of the new cohort.

    Args:
        path: Relative to the new folder.
        row: Row of the original manifest, as a spreadsheet counts it.
        view: Its column.
        overlays: What was cut off or filled, see `ctt_net.imaging.BScan`.
        stable: Whether reading the written file gives exactly these pixels again.
    """

    path: str
    row: int
    view: str
    overlays: tuple[str, ...]
    stable: bool


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
            digests.append(pixel_digest(result.pixels))
            atomic_write(folder / name, bare_png(result.pixels))
    check_readable(cohort, broken)
    stable = _read_again(tasks, names, digests, folder)
    facts = zip(names, tasks, overlays, stable, strict=True)
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
            not isinstance(result, ImagingError) and pixel_digest(result.pixels) == digest
            for digest, (_, result) in zip(digests, read_each(written, progress), strict=True)
        ]
