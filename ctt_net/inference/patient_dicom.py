"""A patient's folder with DICOM files (OPT) as the device wrote them, single- or multi-frame.

Their B-scans through the fovea are cut into a folder that is removed afterwards; eye and size of a
pixel come from the tags.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ctt_net.cohort import View
from ctt_net.cohort.scan_names import check_preoperative, eye_and_view, eyes_named, is_scan
from ctt_net.devices import Acquisition, cut_foveal_sections
from ctt_net.devices.convert import FACTS_FILE
from ctt_net.devices.opt_dicom import OptDicom
from ctt_net.devices.read import read_acquisition
from ctt_net.errors import InputError
from ctt_net.imaging.encode import png
from ctt_net.inference.patient import PATIENT_FILE, PatientFile
from ctt_net.io.yaml_file import dump_yaml
from ctt_net.model_folder.digests import sha256_of

_LIST_IT = f"list it under 'files' in {PATIENT_FILE} (files: {{OD: {{horizontal: scan.dcm}}}})"
_READER = OptDicom()


@dataclass(frozen=True)
class DicomSource:
    """The file that a view was cut from.

    Args:
        file: DICOM.
        uids: Its SOP class and instance, series and study.
        notes: Of reading and cutting it.
    """

    file: Path
    uids: dict[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CutFolder:
    """A patient's folder as `read_patient` takes it.

    Args:
        folder: Holds pictures only.
        sources: Eye and view to the DICOM file they were cut from.
    """

    folder: Path
    sources: Mapping[tuple[str, str], DicomSource] = field(default_factory=dict)

    def name_sources(self, prediction: dict[str, Any]) -> None:
        """Name, in the contents of prediction.json, the DICOM files in place of what was cut."""
        for eye in prediction["eyes"]:
            for view in eye["views"]:
                source = self.sources.get((eye["laterality"], view["name"]))
                if source is not None:
                    view["file"] = source.file.name
                    view["sha256"] = sha256_of(source.file.read_bytes())
                    view["dicom"] = source.uids
                    view["notes"] = [*source.notes, *view["notes"]]


@contextmanager
def without_dicom(folder: Path, views: Mapping[str, View]) -> Iterator[CutFolder]:
    """A patient's folder with DICOM files cut into pictures; one without any is itself.

    Args:
        folder: The patient's.
        views: Of the model.

    Raises:
        InputError: If a file cannot be read, its eye or view is not known, or tags, file names
            and patient.yaml contradict each other.
    """
    names = sorted(path for path in folder.iterdir() if _is_dicom(path)) if folder.is_dir() else []
    if not names:
        yield CutFolder(folder)
        return
    with TemporaryDirectory() as place:
        target = Path(place) / folder.resolve().name
        target.mkdir()
        try:
            yield _cut(folder, names, target, views)
        except InputError as error:  # of the folder that the user knows
            raise InputError(str(error).replace(str(target), str(folder))) from None


def _is_dicom(path: Path) -> bool:
    if not path.is_file() or path.name.startswith("."):
        return False
    with path.open("rb") as file:
        return _READER.recognises(file.read(132 + 4)) or path.suffix.lower() in _READER.suffixes


def _cut(folder: Path, files: list[Path], target: Path, views: Mapping[str, View]) -> CutFolder:
    given = folder / PATIENT_FILE
    facts = PatientFile.read(given) if given.exists() else PatientFile()
    listed = {
        folder / name: (eye, view)
        for eye, of_eye in facts.files.items()
        for view, name in of_eye.items()
    }
    sources: dict[tuple[str, str], DicomSource] = {}
    pictures: dict[str, dict[str, str]] = {}
    patients = set()

    def take(eye: str, view: str, file: Path, name: str) -> Path:
        if view in pictures.setdefault(eye, {}):
            earlier = sources.get((eye, view))
            other = earlier.file.name if earlier else pictures[eye][view]
            raise InputError(
                f"{folder}: {other} and {file.name} are both the {view} view of {eye}; keep one"
            )
        pictures[eye][view] = name
        return target / name

    for number, file in enumerate(path for path in files if not listed or path in listed):
        if not listed:
            check_preoperative(file)
        acquisition = read_acquisition(file)
        uids, patient = _tags(file)
        patients |= {patient} - {""}
        eye = _eye(file, acquisition, listed.get(file, ("", ""))[0])
        sections, notes = _sections(file, acquisition, listed.get(file, ("", ""))[1], views)
        place = f"dicom_{number + 1}"
        for view, pixels in sections.items():
            path = take(eye, view, file, f"{place}/{eye}_{view}.png")
            sources[eye, view] = DicomSource(file, uids, notes)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(png(pixels))
        scales = {
            f"{axis}_um_per_px": getattr(acquisition, f"{axis}_um_per_px")
            for axis in ("axial", "lateral")
        }
        (target / place / FACTS_FILE).write_text(dump_yaml(scales), encoding="utf-8")
    for path in folder.iterdir():
        if is_scan(path) and (not listed or path in listed):
            eye, view = listed[path] if listed else eye_and_view(path, views)
            shutil.copyfile(path, take(eye, view, path, path.name))
    patient_id = _patient_id(folder, facts.patient_id, patients)
    stated = facts.model_dump(exclude_none=True) | {"patient_id": patient_id, "files": pictures}
    (target / PATIENT_FILE).write_text(dump_yaml(stated), encoding="utf-8")
    return CutFolder(target, sources)


def _tags(file: Path) -> tuple[dict[str, str], str]:
    """UIDs of a file, and the id of its patient."""
    from pydicom import dcmread

    wanted = ["SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID"]
    tags = dcmread(file, stop_before_pixels=True, force=True, specific_tags=wanted)
    names = ("sop_class_uid", "sop_instance_uid", "series_instance_uid", "study_instance_uid")
    uids = {name: str(tags.get(tag) or "") for name, tag in zip(names, wanted, strict=False)}
    missing = [tag for name, tag in zip(names, wanted, strict=False) if not uids[name]]
    if missing:
        raise InputError(f"{file}: has no {missing[0]}; export it from the device again")
    return uids, str(tags.get("PatientID") or "").strip()


def _eye(file: Path, acquisition: Acquisition, listed: str) -> str:
    """As tags, file name and patient.yaml say, which must agree."""
    named = set() if listed else eyes_named(file)
    stated = {acquisition.laterality or "", listed, *named} - {""}
    if len(stated) > 1:
        raise InputError(
            f"{file}: the tags say {acquisition.laterality or 'no eye'}, but its name or "
            f"{PATIENT_FILE} says {' and '.join(sorted(stated - {acquisition.laterality}))}; "
            f"correct what is wrong"
        )
    if not stated:
        raise InputError(f"{file}: neither its tags nor its name say the eye; {_LIST_IT}")
    return stated.pop()


def _sections(
    file: Path, acquisition: Acquisition, listed: str, views: Mapping[str, View]
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Views of the model that can be cut, and what was noted."""
    cut = cut_foveal_sections(acquisition)
    notes = (*acquisition.notes, *cut.notes)
    found: dict[str, np.ndarray] = {}
    taken = set()
    for name, view in views.items():
        if view.direction in cut.sections and listed in ("", name) and view.direction not in taken:
            found[name] = cut.sections[view.direction]
            taken.add(view.direction)
    if not cut.sections and len(acquisition.bscans) == 1:  # a line whose direction no tag says
        name = listed
        if not name:
            try:
                name = eye_and_view(file, views)[1]
            except InputError:
                raise InputError(
                    f"{file}: a single B-scan, and neither its tags nor its name say which view; "
                    f"{_LIST_IT}"
                ) from None
        return {name: acquisition.bscans[0]}, acquisition.notes
    if not found:
        why = "; ".join(cut.notes) or f"it holds {', '.join(cut.sections) or 'none'}"
        wanted = listed or " or ".join(views)
        raise InputError(f"{file}: no section for {wanted} ({why}); give another scan")
    return found, notes


def _patient_id(folder: Path, given: str | None, tags: set[str]) -> str:
    """Of patient.yaml, else of the tags, else the folder's name."""
    if len(tags) > 1:
        raise InputError(
            f"{folder}: the DICOM files are of several patients by their tags; keep those of one"
        )
    if given and tags and given not in tags:
        raise InputError(
            f"{folder / PATIENT_FILE}: patient_id is another than in the tags of the DICOM files; "
            f"correct it, or leave it out"
        )
    return given or next(iter(tags), "") or folder.resolve().name
