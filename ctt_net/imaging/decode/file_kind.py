"""What a file is by its first bytes, whatever it is called."""

from pathlib import Path

from ctt_net.imaging.bscan import ImagingError, Note

MAX_FILE_BYTES = 64 * 2**20
FORMATS_FIX = "export the B-scan as PNG, TIFF, JPEG or BMP"
DEVICE_FIX = "`ctt-net convert FILE OUT` or a mapping cuts B-scans from it"

_READABLE = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"BM", "BMP"),
)
_FOREIGN = (
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"PK\x03\x04", "a ZIP archive or Office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"RIFF", "a WebP picture, sound or film"),
    (b"\x00\x00\x00\x0cjP", "a JPEG 2000 picture"),
    (b"SIMPLE  =", "a FITS file"),
    (b"\x93NUMPY", "a numpy array"),
    (b"\x89HDF", "an HDF5 file"),
)
_DEVICES = (
    (b"HSF-OCT", "a raw Heidelberg .vol export"),
    (b"CMDb", "a raw Heidelberg .e2e export"),
    (b"MDbMDir", "a raw Heidelberg .e2e export"),
    (b"FOCT", "a raw Topcon export"),
)
_EXTENSIONS = {
    "PNG": {".png"},
    "JPEG": {".jpg", ".jpeg", ".jfif"},
    "TIFF": {".tif", ".tiff"},
    "BMP": {".bmp"},
}


def read_limited(path: Path) -> bytes:
    """Read the whole file once, refusing what is no file or too large to be one B-scan.

    Raises:
        ImagingError: missing, a folder, a device, unreadable, empty or above 64 MB.
    """
    try:
        if not path.exists():
            raise ImagingError.of(path, "no such file", "check the name and the folder")
        if path.is_dir():
            raise ImagingError.of(path, "a folder", "name one scan inside it")
        if not path.is_file():
            raise ImagingError.of(path, "something that is no regular file", FORMATS_FIX)
        size = path.stat().st_size
        if size == 0:
            raise ImagingError.of(path, "an empty file", "export or copy the scan again")
        if size > MAX_FILE_BYTES:
            raise ImagingError.of(
                path,
                f"a file of {size / 2**20:.0f} MB (limit {MAX_FILE_BYTES // 2**20} MB)",
                "export single B-scans, not volumes or films",
            )
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES)
    except (OSError, ValueError) as problem:
        if isinstance(problem, ImagingError):
            raise
        reason = getattr(problem, "strerror", None) or str(problem)
        raise ImagingError.of(
            path, f"a file that cannot be opened ({reason})", "check its name and permissions"
        ) from problem


def kind_of(data: bytes, path: Path) -> str:
    """Name the format from the first bytes: "PNG", "TIFF", "JPEG" or "BMP".

    Raises:
        ImagingError: any other kind of file, which the message names when it is known.
    """
    for magic, kind in _READABLE:
        if data.startswith(magic):
            return kind
    if data[128:132] == b"DICM":
        raise ImagingError.of(path, "a DICOM file", DEVICE_FIX)
    for magic, name in _DEVICES:
        if data.startswith(magic):
            raise ImagingError.of(path, name, DEVICE_FIX)
    for magic, name in _FOREIGN:
        if data.startswith(magic):
            raise ImagingError.of(path, name, FORMATS_FIX)
    if _is_text(data[:512]):
        raise ImagingError.of(path, "a text file, not a picture", FORMATS_FIX)
    raise ImagingError.of(path, "no PNG, TIFF, JPEG or BMP picture", FORMATS_FIX)


def misnamed(kind: str, path: Path) -> Note | None:
    """Say so when the name promises another format than the bytes hold."""
    suffix = path.suffix.lower()
    known = {s for suffixes in _EXTENSIONS.values() for s in suffixes}
    if suffix in known and suffix not in _EXTENSIONS[kind]:
        text = f"the file is a {kind} although its name ends in {suffix}"
        return Note("misnamed", text)
    return None


def _is_text(head: bytes) -> bool:
    printable = sum(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head)
    return printable >= 0.95 * len(head)
