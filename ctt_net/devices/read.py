"""One device file to its acquisitions."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ctt_net.devices.acquisition import Acquisition
from ctt_net.devices.base import EXPORT_AGAIN, DeviceReader, Progress
from ctt_net.devices.heidelberg_e2e import HeidelbergE2e
from ctt_net.devices.heidelberg_vol import HeidelbergVol
from ctt_net.devices.heidelberg_xml import HeidelbergXml
from ctt_net.devices.opt_dicom import OptDicom
from ctt_net.devices.topcon import Topcon
from ctt_net.devices.zeiss_img import ZeissImg
from ctt_net.errors import InputError, install_extra
from ctt_net.imaging.bscan import ImagingError
from ctt_net.imaging.inversion import is_upside_down
from ctt_net.types import EYES

READERS: tuple[DeviceReader, ...] = (
    HeidelbergVol(),
    HeidelbergXml(),
    HeidelbergE2e(),
    Topcon(),
    ZeissImg(),
    OptDicom(),
)
_HEAD = 4096
_DISC_INDEX = "DICOMDIR"


def is_device_file(path: str | Path) -> bool:
    """Whether a file is a raw device file, by its first bytes or else its suffix.

    Args:
        path: need not exist; then only the suffix counts.
    """
    return _reader_of(Path(path)) is not None


def read_acquisitions(
    path: str | Path, progress: Progress = lambda done, total: None
) -> tuple[Acquisition, ...]:
    """All acquisitions in a device file, or in a folder or disc with one such file.

    Circular scans around the disc are left out; nothing read identifies a patient.

    Args:
        path: of the file or folder.
        progress: is called with (done, total) B-scans.

    Raises:
        InputError: the file is missing, damaged, of another kind, holds circular scans only, or
            needs a reader that is not installed.
    """
    path = Path(path)
    if path.is_dir():
        path = _only_file_in(path)
    elif path.name.upper() == _DISC_INDEX and path.is_file():
        path = _only_file_in(path.parent)
    if not path.is_file():
        raise ImagingError.of(path, "no such file", "check the name and the folder")
    reader = _reader_of(path)
    if reader is None:
        raise ImagingError.of(path, "no device file that is known here", f"known are {_known()}")
    found = _guarded(reader, path, progress)
    macular = tuple(one for one in found if one.pattern != "circular")
    if not macular:
        raise ImagingError.of(
            path, "a circular scan around the optic disc, not macular", "name a macular scan"
        )
    return tuple(_with_doubts(one) for one in macular)


def read_acquisition(
    path: str | Path,
    laterality: str | None = None,
    number: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Acquisition:
    """The one acquisition in a device file.

    Args:
        path: of the file.
        laterality: the eye that is wanted from a file with both; a file of the other eye alone is
            refused.
        number: which one of those of that eye, from 1, in the order of the file.
        progress: is called with (done, total) B-scans.

    Raises:
        InputError: as `read_acquisitions`, or there are several to choose from.
    """
    if laterality not in (*EYES, None):
        raise InputError(f"laterality {laterality!r}: write OD or OS")
    found = read_acquisitions(path, progress)
    if laterality is not None:
        wanted = tuple(one for one in found if one.laterality in (laterality, None))
        if not wanted:
            raise ImagingError.of(
                path,
                f"scans of {found[0].laterality} only, where {laterality} was asked for",
                "correct the eye or the file",
            )
        found = wanted
    if number is None and len(found) == 1:
        return found[0]
    if number is None or not 1 <= number <= len(found):
        listed = ", ".join(
            f"{i}: {one.laterality or 'eye unknown'}, {one.pattern} of {len(one.bscans)} B-scans"
            for i, one in enumerate(found, start=1)
        )
        raise ImagingError.of(
            path,
            f"{len(found)} acquisition{'s' * (len(found) > 1)} ({listed})",
            "give the eye (--laterality) or the number (--scan), or export it alone",
        )
    return found[number - 1]


def _with_doubts(acquisition: Acquisition) -> Acquisition:
    """Note if the B-scans are probably upside down; they are not turned."""
    if not is_upside_down(acquisition.bscans[len(acquisition.bscans) // 2]):
        return acquisition
    note = "the B-scans may be upside down (choroid above the retina); they were not turned"
    return replace(acquisition, notes=(*acquisition.notes, note))


def _guarded(reader: DeviceReader, path: Path, progress: Progress) -> tuple[Acquisition, ...]:
    """Turn whatever a damaged file makes a reader raise into one message.

    Only the kind of error is shown: the text of a library's error may quote the patient's name.
    """
    try:
        with _quiet():
            return reader.read(path, progress)
    except InputError:
        raise
    except ImportError as missing:
        package = (missing.name or str(missing)).split(".")[0]
        raise InputError(
            f"{path.name}: {reader.name} needs {package}; {install_extra('formats')}"
        ) from None
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise ImagingError.of(
            path, f"a file that cannot be read ({reason})", "check its name and permissions"
        ) from None
    except Exception as problem:  # garbled headers make every library raise something else
        raise ImagingError.of(
            path,
            f"{reader.name} that is truncated or damaged ({type(problem).__name__})",
            EXPORT_AGAIN,
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the libraries' messages, which may quote the patient's data."""
    logs = [logging.getLogger(name) for name in ("pydicom", "eyepy")]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)


def _reader_of(path: Path) -> DeviceReader | None:
    by_suffix = (one for one in READERS if path.suffix.lower() in one.suffixes)
    return _reader_by_content(path) or next(by_suffix, None)


def _reader_by_content(path: Path) -> DeviceReader | None:
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return None
    return next((reader for reader in READERS if reader.recognises(head)), None)


def _only_file_in(folder: Path) -> Path:
    """The one device file in a folder or below it.

    Raises:
        ImagingError: there is none, or several to choose from.
    """
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and file.name.upper() != _DISC_INDEX
        and (_reader_by_content(file) or file.suffix.lower() in ZeissImg.suffixes)
    ]
    if len(files) == 1:
        return files[0]
    if not files:
        raise ImagingError.of(folder, "a folder without a device file", f"known are {_known()}")
    names = [file.relative_to(folder).as_posix() for file in files]
    listed = ", ".join(names[:3]) + ", ..." * (len(names) > 3)
    kinds = " and ".join(sorted({reader.name for file in files if (reader := _reader_of(file))}))
    found = f"a folder with {len(files)} device files ({listed}), each {kinds}"
    raise ImagingError.of(folder, found, "name one of them")


def _known() -> str:
    return " ".join(suffix for each in READERS for suffix in each.suffixes)
