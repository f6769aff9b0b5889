"""Ophthalmic tomography (OPT) in DICOM, through pydicom.

The samples become grey by the file's own window if it has one for the whole volume, else by the
rule of `ctt_net.devices.samples`. Tags of the patient are not read.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ctt_net.devices.acquisition import Acquisition
from ctt_net.devices.base import EXPORT_AGAIN, DeviceReader, Progress, check_volume, read_whole
from ctt_net.devices.opt_dicom_facts import facts_of, window_of
from ctt_net.devices.samples import decode, deep_to_grey, windowed_grey
from ctt_net.imaging.bscan import ImagingError

if TYPE_CHECKING:
    from pydicom import Dataset

_OPT = "1.2.840.10008.5.1.4.1.1.77.1.5.4"
_SYNTAX = "1.2.840.10008.1.2"
_PLAIN = (_SYNTAX, f"{_SYNTAX}.1", f"{_SYNTAX}.2")
_RLE = f"{_SYNTAX}.5"
_CODECS = {
    f"{_SYNTAX}.4.{number}": codec
    for number, codec in (
        (50, "jpeg"), (51, "jpeg"), (57, "ljpeg"), (70, "ljpeg"),
        (80, "jpegls"), (81, "jpegls"), (90, "jpeg2k"), (91, "jpeg2k"),
    )
}  # fmt: skip
# Group 2 or 8, then a value representation (explicit) or the upper bytes of a short length.
_FIRST_ELEMENT = re.compile(rb"[\x02\x08]\x00[\x00-\x20]\x00(?:[A-Z]{2}|.\x00\x00\x00)", re.DOTALL)
_SYNTAX_ELEMENT = re.compile(rb"\x02\x00\x10\x00UI..([0-9.]+)", re.DOTALL)
_FILE_FACTS = 4096  # bytes, of which the group of file facts takes a few hundred
_FEWEST_LEVELS = 255 / 20  # as in `ctt_net.imaging.decode.depth`
_UNCOMPRESSED = "export it uncompressed (Explicit VR Little Endian)"


class OptDicom(DeviceReader):
    """OPT image of one or many frames."""

    name = "a DICOM file"
    suffixes = (".dcm", ".dicom")

    def recognises(self, head: bytes) -> bool:
        """By the letters behind the preamble, or the first element of a data set without one."""
        return head[128:132] == b"DICM" or bool(_FIRST_ELEMENT.match(head))

    def read(self, path: Path, progress: Progress) -> tuple[Acquisition, ...]:
        """The one acquisition of the file."""
        from pydicom import config, dcmread
        from pydicom.uid import UID

        data = read_whole(path)
        if data[128:132] != b"DICM":
            if not _FIRST_ELEMENT.match(data):
                raise ImagingError.of(path, "no DICOM file, whatever its name", EXPORT_AGAIN)
            data = bytes(128) + b"DICM" + data
        syntax = UID(_syntax(data))
        if syntax not in (*_PLAIN, _RLE, *_CODECS):
            raise ImagingError.of(path, f"a DICOM file in {_name(syntax)}", _UNCOMPRESSED)
        reading = config.settings.reading_validation_mode
        config.settings.reading_validation_mode = config.IGNORE  # texts are not used
        try:
            dataset = dcmread(BytesIO(data))
            dataset.file_meta.TransferSyntaxUID = syntax
            _check_kinds(dataset, path)
            notes: list[str] = []
            samples = _samples(dataset, syntax, path, progress)
            inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
            bscans = _grey(samples, window_of(dataset, notes), inverted, notes)
            facts = facts_of(dataset, len(samples), samples.shape[2], path, notes)
        finally:
            config.settings.reading_validation_mode = reading
        return (Acquisition(bscans=bscans, notes=tuple(notes), **facts),)


def _syntax(data: bytes) -> str:
    """Transfer syntax by its element, before anything is inflated; guessed for a bare data set."""
    found = _SYNTAX_ELEMENT.search(data[:_FILE_FACTS])
    if found:
        return found[1].decode()
    return f"{_SYNTAX}.1" if data[136:138].isalpha() else _SYNTAX


def _check_kinds(dataset: "Dataset", path: Path) -> None:
    """Reject other kinds of DICOM by name, and what the header rules out."""
    from pydicom.uid import UID

    meta = dataset.file_meta.get("MediaStorageSOPClassUID", "")
    kind = UID(str(dataset.get("SOPClassUID", meta)))
    if kind != _OPT:
        raise ImagingError.of(
            path,
            f"a DICOM file of another kind ({_name(kind)})",
            "export the B-scans as Ophthalmic Tomography Image Storage",
        )
    if "PhotometricInterpretation" not in dataset and "PixelData" not in dataset:
        raise ImagingError.of(path, "a DICOM file that ends in its header", EXPORT_AGAIN)
    if dataset.get("SamplesPerPixel", 1) != 1 or str(
        dataset.get("PhotometricInterpretation", "")
    ) not in ("MONOCHROME1", "MONOCHROME2"):
        raise ImagingError.of(path, "OPT in colour", "export the B-scans in grey")
    if dataset.get("BitsAllocated") not in (8, 16) or "PixelData" not in dataset:
        raise ImagingError.of(path, "OPT without samples of 8 or 16 bits", EXPORT_AGAIN)
    size = (int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns))
    check_volume(*size, path)


def _grey(
    samples: np.ndarray,
    window: tuple[float, float, float, float] | None,
    inverted: bool,
    notes: list[str],
) -> np.ndarray:
    """By the file's window, unless that is only the container's range and shows next to nothing."""
    if window is not None:
        bscans = windowed_grey(samples, *window)
        shown = np.ptp(np.percentile(bscans[:: max(len(bscans) // 16, 1)], (0.1, 99.9)))
        if shown >= _FEWEST_LEVELS:
            notes.append(f"grey levels follow the file's window ({window[0]:g}, {window[1]:g})")
            return 255 - bscans if inverted else bscans
        notes.append("the file's window would show next to nothing and was not used")
    return deep_to_grey(samples, notes, inverted)


def _samples(dataset: "Dataset", syntax: str, path: Path, progress: Progress) -> np.ndarray:
    """(N, H, W) stored values, uint8, uint16 or int16."""
    count = int(dataset.get("NumberOfFrames") or 1)
    shape = (count, int(dataset.Rows), int(dataset.Columns))
    signed = dataset.get("PixelRepresentation", 0) == 1
    wide = int(dataset.BitsAllocated) == 16 or signed
    samples = np.empty(shape, np.int16 if signed else np.uint16 if wide else np.uint8)
    found = 0
    for frame in _frames(dataset, syntax, shape):
        if found == count:
            break
        samples[found] = frame
        found += 1
        progress(found, count)
    if found < count:
        raise ImagingError.of(
            path, f"a truncated DICOM file ({found} of {count} frames)", EXPORT_AGAIN
        )
    return samples


def _frames(dataset: "Dataset", syntax: str, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
    """One (H, W) array after the other."""
    from pydicom.encaps import generate_frames
    from pydicom.pixels import iter_pixels

    count, height, width = shape
    if syntax in _CODECS:
        for data in generate_frames(dataset.PixelData, number_of_frames=count):
            yield _unpadded(decode(data, _CODECS[syntax], height, width), dataset)
    else:
        yield from iter_pixels(dataset)


def _unpadded(samples: np.ndarray, dataset: "Dataset") -> np.ndarray:
    """Give a signed value its sign, which a codec may have handed over as plain bits."""
    bits = int(dataset.get("BitsStored", dataset.BitsAllocated))
    if dataset.get("PixelRepresentation", 0) != 1 or samples.dtype.kind == "i":
        return samples
    shift = 16 - bits
    return (samples.astype(np.uint16) << shift).astype(np.int16) >> shift


def _name(uid: str) -> str:
    from pydicom.uid import UID

    return UID(uid).name or "of unknown kind"
