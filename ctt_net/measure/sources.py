"""Which scans are to be measured, and how large their pixels are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ctt_net.biomarkers.macular import not_macular, read_macular_bscan
from ctt_net.cohort import Cohort
from ctt_net.cohort.scan_names import VIEW_WORDS, eye_and_view, is_scan
from ctt_net.data.scans import scan_tasks
from ctt_net.devices import cut_foveal_sections, is_device_file, read_acquisitions
from ctt_net.devices.convert import FACTS_FILE
from ctt_net.errors import InputError
from ctt_net.imaging import UNUSABLE_NOTES, ImagingError
from ctt_net.io.yaml_file import read_yaml_mapping

NOT_USABLE = "not measured"


@dataclass(frozen=True)
class Source:
    """One scan to be measured.

    Args:
        eye_id: Of the manifest; in a folder the eye that the name says, if it does.
        view: Name of the view, or nothing.
        file: Path relative to the cohort or folder; a B-scan of a device file has its view.
        read: Gives (H, W) uint8 grey, upright; raises `InputError`.
        axial_um: Height of a pixel; None = unknown.
        lateral_um: Distance of A-scans; None = unknown.
    """

    eye_id: str
    view: str
    file: str
    read: Callable[[], NDArray[np.uint8]]
    axial_um: float | None = None
    lateral_um: float | None = None


def cohort_sources(cohort: Cohort) -> list[Source]:
    """All scans of a cohort; `devices` of `cohort.yaml` and the column `device` give the scales."""
    devices = cohort.spec.devices
    only = next(iter(devices)) if len(devices) == 1 else ""
    named = cohort.table["device"] if "device" in cohort.table else [only] * len(cohort.table)
    ids, names = cohort.table["eye_id"].tolist(), list(named)
    sources = []
    for task in scan_tasks(cohort):
        device = devices.get(str(names[task.position]))
        sources.append(
            Source(
                str(ids[task.position]),
                task.view_name,
                task.path.relative_to(cohort.root).as_posix(),
                _reader(task.path),
                device.axial_um_per_px if device else None,
                device.lateral_um_per_px if device else None,
            )
        )
    return sources


def folder_sources(folder: Path) -> list[Source]:
    """All scans in a folder and the folders in it: pictures, and foveal B-scans of device files.

    The scales come from device files, and for pictures from the `acquisition.yaml` that
    `ctt-net convert` wrote beside them.

    Raises:
        InputError: If there is no such folder, or no scan in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give a cohort folder or a folder of scans")
    sources: list[Source] = []
    scales: dict[Path, tuple[float | None, float | None]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if any(part.startswith(".") for part in Path(name).parts):
            continue
        if is_scan(path):
            if path.parent not in scales:
                scales[path.parent] = recorded_scale(path.parent, folder)
            sources.append(Source(*_eye_and_view(path, folder), name, _reader(path),
                                  *scales[path.parent]))  # fmt: skip
        elif is_device_file(path):
            sources += _of_device(path, folder, name)
    if not sources:
        raise InputError(
            f"{folder}: no scan here (PNG, TIFF, JPEG or BMP) and no device file; give a cohort "
            f"folder or a folder of scans"
        )
    return sources


def _reader(path: Path) -> Callable[[], NDArray[np.uint8]]:
    def read() -> NDArray[np.uint8]:
        scan = read_macular_bscan(path)
        for note in scan.notes:
            if note.code in UNUSABLE_NOTES:
                raise InputError(f"{NOT_USABLE}: {note}")
        return scan.pixels

    return read


def _eye_and_view(path: Path, folder: Path) -> tuple[str, str]:
    """As the names of file and folders say; empty where they say nothing clear."""
    try:
        eye, view = eye_and_view(path, VIEW_WORDS)
    except InputError:
        eye, view = "", ""
    parts = (*path.relative_to(folder).parts[:-1], eye)
    return "_".join(part for part in parts if part), view


def recorded_scale(place: Path, folder: Path) -> tuple[float | None, float | None]:
    """Height and width of a pixel by an `acquisition.yaml`, um; None = unknown.

    Args:
        place: Folder of a scan.
        folder: The one that was given.
    """
    # `ctt-net convert` puts every B-scan into a folder of its own, below that of its facts.
    places = [place] if place == folder else [place, place.parent]
    facts = [one / FACTS_FILE for one in places if (one / FACTS_FILE).is_file()]
    if not facts:
        return None, None
    recorded = read_yaml_mapping(facts[0])
    axial, lateral = (recorded.get(f"{name}_um_per_px") for name in ("axial", "lateral"))
    return _positive(axial), _positive(lateral)


def _positive(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _of_device(path: Path, folder: Path, name: str) -> Iterator[Source]:
    """The foveal B-scans of a device file; one that cannot be read is a scan that fails."""
    where = path.relative_to(folder).parts[:-1]
    try:
        acquisitions = read_acquisitions(path)
    except InputError as error:
        yield Source("_".join(where), "", name, _failing(error))
        return
    for number, one in enumerate(acquisitions, start=1):
        which = f"{name}#{number}" if len(acquisitions) > 1 else name
        eye = "_".join([*where, one.laterality or ""]).strip("_")
        cut = cut_foveal_sections(one)
        scales = one.axial_um_per_px, one.lateral_um_per_px
        for view, pixels in cut.sections.items():
            yield Source(eye, view, which, _giving(pixels), *scales)
        if not cut.sections:
            why = "; ".join(cut.notes)
            none = ImagingError.of(path, f"no section through the fovea ({why})", "convert it")
            yield Source(eye, "", which, _failing(none))


def _giving(pixels: NDArray[np.uint8]) -> Callable[[], NDArray[np.uint8]]:
    def read() -> NDArray[np.uint8]:
        note = not_macular(pixels)
        if note is not None:
            raise InputError(f"{NOT_USABLE}: {note}")
        return pixels

    return read


def _failing(error: InputError) -> Callable[[], NDArray[np.uint8]]:
    def read() -> NDArray[np.uint8]:
        raise error

    return read
