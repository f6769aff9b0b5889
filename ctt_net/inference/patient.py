"""A patient folder: scans named by eye and view, and a `patient.yaml` if there is one."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Annotated, Any

from pydantic import Field

from ctt_net.acuity import (
    NOTATIONS,
    REPORT_NOTATIONS,
    Acuity,
    is_missing,
    parse_va,
    recorded_notation,
)
from ctt_net.cohort import View
from ctt_net.cohort.scan_names import eye_and_view, is_scan
from ctt_net.cohort.schema import Device, Notation
from ctt_net.devices import is_device_file
from ctt_net.errors import InputError
from ctt_net.io.schema import Choice, Schema, Text
from ctt_net.io.yaml_file import check_known_keys
from ctt_net.types import EYES

PATIENT_FILE = "patient.yaml"

# Written in place of an acuity that nobody measured, so that leaving it out is never an accident.
UNKNOWN = "unknown"

# Names a person or an editor gives it; the text in such a file must not go unread.
_NEARLY_PATIENT_FILE = re.compile(r"patients?\.ya?ml(\.txt)?", re.IGNORECASE)

# A patient's number where exports put it, at the beginning of a name: 00002_R_H, P0002-OD-v.
_LEADING_ID = re.compile(r"[^\W\d_]{0,2}[-_]?\d{3,}")

FRACTION = re.compile(r"\s*\d+\s*/\s*\d+(\.\d+)?\s*([+-]\s*\d)?\s*")


Side = Annotated[str, Choice(EYES)]
ShownIn = Annotated[str, Choice(REPORT_NOTATIONS)]


class PatientFile(Schema):
    """Contents of `patient.yaml`.

    Args:
        patient_id: Id of the patient; the folder's name by default.
        notation: Notation of the acuities: decimal, logmar, snellen, etdrs or five_mark. A fraction
            such as 20/60 and a word such as CF need none.
        preop_va: Best corrected acuity before surgery, for each eye; `unknown` if nobody measured
            it.
        covariates: Values by the names the model has; one for both eyes, or `{OD: ..., OS: ...}`.
        device: Device of the scans, by its name in the model, which knows the size of its pixels.
        scale: Size of a pixel of the scans, if a model measures in them and neither `device` nor
            an `acquisition.yaml` of `ctt-net convert` says it.
        files: Scans that are not named by eye and view: `{OD: {horizontal: scan.png}}`.
        report_notation: Notation of the report: snellen_feet, snellen_metres, decimal, logmar,
            letters or five_mark; by default that of the acuity before surgery.
    """

    patient_id: Text | None = None
    notation: Notation | None = None
    preop_va: dict[Side, Text | None] = Field(default_factory=dict)
    covariates: dict[str, Any] = Field(default_factory=dict)
    device: Text | None = None
    scale: Device | None = None
    files: dict[Side, dict[str, Text]] = Field(default_factory=dict)
    report_notation: ShownIn | None = None


@dataclass(frozen=True)
class PatientEye:
    """One eye to be predicted.

    Args:
        laterality: `OD` or `OS`.
        preop: Acuity before surgery, None = stated to be unknown.
        scans: View name to file, for the views that are there.
    """

    laterality: str
    preop: Acuity | None
    scans: Mapping[str, Path]


@dataclass(frozen=True)
class Patient:
    """A patient folder as read.

    Args:
        patient_id: From patient.yaml, or the folder's name.
        eyes: Right eye first; at least one.
        covariates: As written in patient.yaml.
        device: Likewise.
        scale: Likewise.
        stated_in: File that says all this, for messages.
        report_notation: Likewise.
    """

    patient_id: str
    eyes: tuple[PatientEye, ...]
    covariates: Mapping[str, Any] = field(default_factory=dict)
    device: str | None = None
    scale: Device | None = None
    stated_in: Path = Path(PATIENT_FILE)
    report_notation: str | None = None

    @property
    def shown_in(self) -> str | None:
        """Notation of the report: as asked for, or that of the acuities; None if nothing says."""
        recorded = [recorded_notation(eye.preop) for eye in self.eyes if eye.preop]
        return self.report_notation or next(filter(None, recorded), None)


def read_patient(
    folder: Path,
    views: Mapping[str, View],
    off_chart_policy: str,
    preop_va: Sequence[str] = (),
    notation: str | None = None,
) -> Patient:
    """Read a patient folder.

    Args:
        folder: Holds the scans and perhaps patient.yaml.
        views: Views the model knows.
        off_chart_policy: Of the model.
        preop_va: `EYE=VALUE` from the command line; overrides patient.yaml.
        notation: Of the values on the command line.

    Raises:
        InputError: If a file, name or acuity is wrong, or an acuity is not given at all.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give a folder with one patient's scans")
    path = folder / PATIENT_FILE
    if not path.exists():
        for other in folder.iterdir():
            if _NEARLY_PATIENT_FILE.fullmatch(other.name):
                raise InputError(f"{other}: is not read under this name; rename it {PATIENT_FILE}")
    facts = PatientFile.read(path) if path.exists() else PatientFile()
    name = facts.patient_id or folder.resolve().name
    scans = _scans(folder, facts.files, views)
    given = _given_acuities(facts, preop_va, notation, path)
    for eye in given:
        if eye not in scans:
            raise InputError(
                f"{folder}: an acuity is given for {eye}, but no scan of it is there; add a scan "
                f"named like {eye}_{next(iter(views))}.png, or leave that eye out"
            )
    eyes = tuple(
        PatientEye(eye, _acuity(folder, eye, given, off_chart_policy), scans[eye])
        for eye in EYES
        if eye in scans
    )
    if not facts.files:
        _check_same_patients(
            folder, name, [scan for eye in scans.values() for scan in eye.values()]
        )
    return Patient(
        name,
        eyes,
        facts.covariates,
        facts.device,
        facts.scale,
        path,
        facts.report_notation,
    )


def _scans(
    folder: Path, listed: Mapping[str, Mapping[str, str]], views: Mapping[str, View]
) -> dict[str, dict[str, Path]]:
    scans: dict[str, dict[str, Path]] = {}
    if listed:
        triples = _listed(folder, listed, views)
    else:
        files = sorted(path for path in folder.iterdir() if path.is_file() and is_scan(path))
        triples = [(*eye_and_view(path, views), path) for path in files]
    raw = sorted(path.name for path in folder.iterdir() if path.is_file() and is_device_file(path))
    if raw and not listed:
        raise InputError(
            f"{folder}: {raw[0]} is a raw device file; cut its B-scans with 'ctt-net convert "
            f"{folder / raw[0]} FOLDER' and put them here in its place"
        )
    if not triples:
        raise InputError(
            f"{folder}: no scan here (PNG, TIFF, JPEG or BMP); expected names like "
            f"{', '.join(f'OD_{view}.png' for view in views)}"
        )
    for eye, view, path in triples:
        other = scans.setdefault(eye, {}).setdefault(view, path)
        if other != path:
            raise InputError(
                f"{folder}: {other.name} and {path.name} are both the {view} view of {eye}; "
                f"keep one"
            )
    check_different_pictures(folder, [path for _, _, path in triples])
    return scans


def check_different_pictures(folder: Path, paths: Iterable[Path]) -> None:
    """One scan cannot be two views, nor two eyes.

    Raises:
        InputError: If two files of a patient have the same content.
    """
    seen: dict[bytes, Path] = {}
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).digest()
        other = seen.setdefault(content, path)
        if other is not path:
            raise InputError(
                f"{folder}: {other.name} and {path.name} are one and the same picture, given for "
                f"two views or eyes; give each its own scan"
            )


def _check_same_patients(folder: Path, patient_id: str, paths: list[Path]) -> None:
    begun = numbers_in_names(patient_id, paths)
    if len(begun) > 1:
        raise InputError(
            f"{folder}: the scans seem to be of several patients ({', '.join(begun)}); "
            f"keep those of one, or correct the names; if all are of this patient, list them under "
            f"'files' in {PATIENT_FILE} (files: {{OD: {{horizontal: scan.png}}}})"
        )


def numbers_in_names(patient_id: str, paths: Iterable[PurePath]) -> list[str]:
    """One name for each number that names begin with, and the patient's, if written alike.

    More than one means that the scans are of several patients.

    >>> numbers_in_names("x", [PurePath("0001_OD_h.png"), PurePath("0002_OS_h.png")])
    ['0001_OD_h.png', '0002_OS_h.png']
    """
    begun: dict[str, str] = {}
    for path in paths:
        number = _LEADING_ID.match(path.stem)
        if number:
            begun.setdefault(number[0].lower(), path.name)
    own = patient_id.lower()
    if re.sub(r"\d", "0", own) in {re.sub(r"\d", "0", number) for number in begun}:
        begun.setdefault(own, f"patient {patient_id}")
    return list(begun.values())


def _listed(
    folder: Path, listed: Mapping[str, Mapping[str, str]], views: Mapping[str, View]
) -> list[tuple[str, str, Path]]:
    """The file map of patient.yaml: eye -> view -> file name."""
    where = folder / PATIENT_FILE
    triples = []
    for eye, of_eye in listed.items():
        check_known_keys(of_eye, views, f"{where}: files.{eye}")
        for view, name in of_eye.items():
            path = folder / name
            if not path.resolve().is_relative_to(folder.resolve()):
                raise InputError(f"{where}: files.{eye}.{view}: {name!r} leaves the folder")
            if not path.is_file():
                raise InputError(f"{where}: files.{eye}.{view}: no such file {name!r} in {folder}")
            triples.append((eye, view, path))
    return triples


def _given_acuities(
    facts: PatientFile, preop_va: Sequence[str], notation: str | None, path: Path
) -> dict[str, tuple[str, str | None, str]]:
    """Eye -> (text, notation, where it was read)."""
    given: dict[str, tuple[str, str | None, str]] = {
        eye: (va or "", facts.notation, f"{path}: preop_va.{eye}")
        for eye, va in facts.preop_va.items()
    }
    overriding: dict[str, tuple[str, str | None, str]] = {}
    for argument in preop_va:
        eye, equals, va = argument.partition("=")
        if not equals or eye.strip().upper() not in EYES:
            raise InputError(f"--preop-va {argument!r}: expected EYE=VALUE, such as OD=20/60")
        eye = eye.strip().upper()
        where = f"--preop-va {argument}"
        if eye in overriding:
            raise InputError(f"{where}: {eye} is given twice; give each eye once")
        overriding[eye] = (va, notation, where)
    return {**given, **overriding}


def _is_off_chart(text: str, policy: str) -> bool:
    """Whether an acuity is a word such as CF, which needs no notation."""
    try:
        return parse_va(text, "logmar", policy).off_chart is not None
    except InputError:
        return False


def _acuity(
    folder: Path, eye: str, given: Mapping[str, tuple[str, str | None, str]], policy: str
) -> Acuity | None:
    if eye in given and given[eye][0].strip().lower() == UNKNOWN:
        return None
    if eye not in given or is_missing(given[eye][0]):
        raise InputError(
            f"{folder}: the preoperative acuity of {eye} is not given; add it to {PATIENT_FILE} "
            f"(notation: snellen, preop_va: {{{eye}: 20/60}}) or say --preop-va {eye}=20/60; "
            f"if nobody measured it, {eye}={UNKNOWN}"
        )
    return read_acuity(*given[eye], policy, f"--notation, or 'notation' in {PATIENT_FILE}")


def read_acuity(text: str, notation: str | None, where: str, policy: str, named_by: str) -> Acuity:
    """Read an acuity whose notation may be left out where it can only be one.

    Args:
        text: As written.
        notation: One of `NOTATIONS`; None = not given.
        where: Of the text, for messages.
        policy: What off-chart words count as.
        named_by: What gives the notation, for messages.

    Raises:
        InputError: If it cannot be read, or could be of several notations.
    """
    if FRACTION.fullmatch(text):
        notation = "snellen"  # a fraction can be nothing else
    elif notation is None and _is_off_chart(text, policy):
        notation = "logmar"  # a word means the same in every notation
    if notation is None:
        raise InputError(
            f"{where}: {text!r} could be of several notations; name it ({named_by}): "
            f"{', '.join(NOTATIONS)}"
        )
    if notation not in NOTATIONS:
        raise InputError(f"{where}: no notation {notation!r}; choose one of {', '.join(NOTATIONS)}")
    try:
        return parse_va(text, notation, policy)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
