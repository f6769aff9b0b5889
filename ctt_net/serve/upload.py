"""A multipart request to a patient folder that nobody else can read and that does not stay."""

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from ctt_net.acuity import is_missing
from ctt_net.cohort.scan_names import IMAGE_SUFFIXES, eye_and_view
from ctt_net.devices.opt_dicom import OptDicom
from ctt_net.errors import InputError
from ctt_net.inference.patient import (
    PATIENT_FILE,
    UNKNOWN,
    PatientFile,
    numbers_in_names,
)
from ctt_net.inference.words import LANGUAGES
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.read_text import parse_json
from ctt_net.io.yaml_file import dump_yaml, unknown_key
from ctt_net.serve.request_error import RequestError
from ctt_net.serve.worker import Wanted
from ctt_net.types import EYES

PREFIX = "ctt-net-serve-"
# A folder this old belongs to a server that was killed: no request takes so long.
STALE_SECONDS = 3600
# A memory file system, where there is one; but for swapping, it never reaches a disk.
MEMORY = Path("/dev/shm")
FREE_BYTES = 1 << 30

# DICOM by eye and view, as the rest: of a volume, that view is cut.
SUFFIXES = (*IMAGE_SUFFIXES, *OptDicom.suffixes)

# Fields of a form, as dotted keys of patient.yaml, and the most of them a patient needs.
MAX_FIELDS = 500
MAX_FIELD_BYTES = 64 * 1024
MAX_NAME = 255
PATIENT, FILES = "patient", "files"
UNNAMED = "unnamed"
_PLAIN = ("patient_id", "notation", "report_notation", "device")
_NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class Scan:
    """One file as sent.

    Args:
        eye: `OD` or `OS`.
        view: Of the model.
        sent: Its name, as the client says.
        name: Its name in the patient folder, of which only the suffix comes from the client.
        content: Bytes.
    """

    eye: str
    view: str
    sent: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Upload:
    """One patient as sent.

    Args:
        scans: One for each eye and view at most.
        facts: All that patient.yaml would say but `files`.
        wanted: Of the answer.
    """

    scans: Sequence[Scan]
    facts: PatientFile
    wanted: Wanted


class _InMemory(MultiPartParser):
    spool_max_size = 1 << 40  # the size of a body is limited where it is received


async def read_upload(request: Request, views: Sequence[str]) -> Upload:
    """Read a multipart request.

    Args:
        request: Its body is limited in size and time by `guard`.
        views: Of the model.

    Raises:
        RequestError: If it is none, or says something wrong.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise RequestError(415, f"send multipart/form-data, not {kind[:60] or 'nothing'}")
    most = len(EYES) * len(views)
    parser = _InMemory(
        request.headers,
        request.stream(),
        max_files=most + 1,  # an input without a file sends an empty one
        max_fields=MAX_FIELDS,
        max_part_size=MAX_FIELD_BYTES,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if "Too many files" in error.message:
            raise RequestError(422, f"too many files; this model takes {most} at most") from None
        raise RequestError(400, error.message) from None
    try:
        scans = [
            (field, file)
            for field, file in form.multi_items()
            if isinstance(file, UploadFile) and (file.filename or file.size)
        ]
        read = [(field, file.filename or "", await file.read()) for field, file in scans]
        facts, wanted = _facts(form)
    finally:
        await form.close()
    upload = Upload(_named(read, views, facts.patient_id or ""), facts, wanted)
    _check_acuities(upload)
    return upload


def recognise(names: Sequence[str], views: Sequence[str]) -> list[dict[str, str]]:
    """Eye and view of each file by its name; `problem` where the name does not say it.

    Args:
        names: As the client has them.
        views: Of the model.
    """
    found = []
    for name in names:
        try:
            eye, view = _of_name(_checked(name), views)
            found.append({"eye": eye, "view": view, "problem": ""})
        except RequestError as problem:
            found.append({"eye": "", "view": "", "problem": problem.detail})
    return found


def several_patients(names: Sequence[str], patient_id: str) -> str:
    """A sentence if the names begin with the numbers of several patients, else empty."""
    begun = numbers_in_names(patient_id, [PurePosixPath(_base(name)) for name in names])
    if len(begun) < 2:
        return ""
    return f"the scans seem to be of several patients ({', '.join(begun)}); keep those of one"


@contextlib.contextmanager
def patient_folder(upload: Upload) -> Iterator[Path]:
    """A folder as `read_patient` takes it, removed at the end whatever happens.

    Names in it are made of eye and view; of the client's names only the suffix is used.
    """
    with tempfile.TemporaryDirectory(
        prefix=PREFIX, dir=_place(), ignore_cleanup_errors=True
    ) as name:
        # The name is that of a patient of whom nothing else says one.
        folder = Path(name) / UNNAMED
        folder.mkdir()
        files: dict[str, dict[str, str]] = {}
        for scan in upload.scans:
            try:
                (folder / scan.name).write_bytes(scan.content)
            except OSError as error:
                raise RequestError(
                    503, f"the server has no room for the scans: {error.strerror}"
                ) from None
            files.setdefault(scan.eye, {})[scan.view] = scan.name
        facts = {**upload.facts.to_dict(), "files": files}
        atomic_write(folder / PATIENT_FILE, dump_yaml(facts))
        yield folder


def remove_stale_folders() -> None:
    """Remove what a server that was killed has left."""
    for folder in Path(_place() or tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(folder)


def in_words_of_the_client(message: str, upload: Upload, folder: str) -> str:
    """A message about the private folder as one about the files that were sent."""
    for after in (f"{os.sep}{PATIENT_FILE}: ", ": ", os.sep):
        message = message.replace(f"{folder}{after}", "")
    message = message.replace(folder, "patient")
    for scan in upload.scans:
        if _base(scan.sent) != scan.name:
            message = message.replace(scan.name, f"{scan.eye} {scan.view} ({_shown(scan.sent)})")
    return message.replace(f" (--notation on the command line, 'notation' in {PATIENT_FILE})", "")


def _place() -> str | None:
    """Memory, if there is enough of it and nobody says otherwise; else the system's own place."""
    with contextlib.suppress(OSError):
        if "TMPDIR" not in os.environ and shutil.disk_usage(MEMORY).free >= FREE_BYTES:
            return str(MEMORY)
    return None


def _facts(form: FormData) -> tuple[PatientFile, Wanted]:
    texts = [(key, value) for key, value in form.multi_items() if isinstance(value, str)]
    keys = [key for key, _ in texts]
    for key in keys:
        if keys.count(key) > 1:
            raise RequestError(422, f"the field {_shown(key)} is sent twice; send it once")
    given = dict(texts)
    wanted = _wanted(given)
    as_json = given.pop(PATIENT, "").strip()
    filled = {key: value.strip() for key, value in given.items() if value.strip()}
    if as_json and filled:
        raise RequestError(422, f"send 'patient' or {_shown(next(iter(filled)))}, not both")
    try:
        facts = parse_json(as_json) if as_json else _nested(filled)
    except ValueError as error:
        raise RequestError(
            422, f"the field 'patient' is no JSON ({error}); send an object", PATIENT
        ) from None
    if isinstance(facts, dict) and FILES in facts:
        raise RequestError(422, "send each file as files.EYE.VIEW instead of 'files' in it")
    try:
        return PatientFile.parse(facts, "patient"), wanted
    except InputError as error:
        raise RequestError(422, str(error).removeprefix("patient: ")) from None


def _wanted(given: dict[str, str]) -> Wanted:
    """Takes the fields that are about the answer, not the patient."""
    language = given.pop("language", "") or LANGUAGES[0]
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise RequestError(
            422, f"no language {_shown(language)}; choose one of {known}", "language"
        )
    details = _switch(given, "details", True)
    heat_maps = _switch(given, "heat_maps", False)
    if heat_maps and not details:
        raise RequestError(422, "heat maps are among the details; ask for both", "heat_maps")
    return Wanted(language=language, details=details, heat_maps=heat_maps)


def _switch(given: dict[str, str], name: str, usual: bool) -> bool:
    said = given.pop(name, "").strip().lower()
    known = {"": usual, "true": True, "false": False}
    if said not in known:
        raise RequestError(422, f"{name} is true or false, not {_shown(said)}", name)
    return known[said]


def _nested(filled: Mapping[str, str]) -> dict[str, Any]:
    """Dotted fields as the keys of patient.yaml; a value of one eye goes before that of both."""
    facts: dict[str, Any] = {}
    for key, value in filled.items():
        section, _, rest = key.partition(".")
        if key in _PLAIN:
            facts[key] = value
        elif section == "preop_va" and rest:
            facts.setdefault(section, {})[rest] = value
        elif section == "scale" and rest:
            number = float(value) if _NUMBER.fullmatch(value) else value
            facts.setdefault(section, {})[rest] = number
        elif section == "covariates" and rest:
            _add_covariate(facts.setdefault(section, {}), rest, value)
        else:
            known = (*_PLAIN, PATIENT, "preop_va.OD", "covariates.NAME", "scale.axial_um_per_px")
            raise RequestError(422, f"{unknown_key(_shown(key), known, filled)}")
    for name, values in facts.get("covariates", {}).items():
        both = values.pop("", None)
        if both is not None:
            facts["covariates"][name] = {eye: values.get(eye, both) for eye in EYES}
    return facts


def _add_covariate(covariates: dict[str, dict[str, str]], key: str, value: str) -> None:
    name, _, eye = key.rpartition(".")
    if name and eye in EYES:
        covariates.setdefault(name, {})[eye] = value
    else:
        covariates.setdefault(key, {})[""] = value


def _check_acuities(upload: Upload) -> None:
    """Each eye with a scan has one, if only `unknown`; no other eye does."""
    sent = {scan.eye for scan in upload.scans}
    for eye in EYES:
        acuity = upload.facts.preop_va.get(eye)
        given = not is_missing(acuity) or str(acuity).strip().lower() == UNKNOWN
        if given and eye not in sent:
            raise RequestError(
                422,
                f"a preop VA is given for {eye}, but no scan of it; add a scan, or leave it empty",
                f"preop_va.{eye}",
            )
        if eye in sent and not given:
            raise RequestError(
                422,
                f"the preop VA of {eye} is not given; give it, such as 20/60, or say {UNKNOWN} if "
                f"nobody measured it",
                f"preop_va.{eye}",
            )


def _named(
    read: Sequence[tuple[str, str, bytes]], views: Sequence[str], patient_id: str
) -> list[Scan]:
    """Eye and view of each file: of the field (`files.OD.horizontal`), or else of its name."""
    scans: dict[tuple[str, str], Scan] = {}
    by_name = []
    for field, sent, content in read:
        name = _checked(sent)
        if field == FILES:
            eye, view = _of_name(name, views)
            by_name.append(name)
        else:
            eye, view = _of_field(field, views)
        if (eye, view) in scans:
            raise RequestError(
                422,
                f"{_shown(scans[eye, view].sent)} and {_shown(sent)} are both the {view} view of "
                f"{eye}; send one",
                f"{FILES}.{eye}.{view}",
            )
        plain = view if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", view) else f"view{views.index(view)}"
        own = f"{eye}_{plain}{Path(name).suffix.lower()}"
        scans[eye, view] = Scan(eye, view, sent, own, content)
    if not scans:
        raise RequestError(422, "no scan was sent; add at least one", FILES)
    several = several_patients(by_name, patient_id)
    if several:
        raise RequestError(422, f"{several}, or send each as files.EYE.VIEW", FILES)
    return list(scans.values())


def _of_field(field: str, views: Sequence[str]) -> tuple[str, str]:
    section, _, rest = field.partition(".")
    eye, _, view = rest.partition(".")
    if section != FILES or eye not in EYES or view not in views:
        fields = ", ".join(f"{FILES}.{eye}.{view}" for eye in EYES for view in views)
        raise RequestError(422, f"no field {_shown(field)} for a file; there are {FILES}, {fields}")
    return eye, view


def _of_name(name: str, views: Sequence[str]) -> tuple[str, str]:
    try:
        return eye_and_view(Path(name), views)
    except InputError as error:
        detail = str(error).partition("; rename it")[0]
        detail = detail.partition("; leave it out")[0]
        raise RequestError(422, f"{detail}; say which eye and view it is", FILES) from None


def _checked(sent: str) -> str:
    """The last part of a name, which must be that of a picture or of DICOM."""
    name = _base(sent)
    if len(sent) > MAX_NAME:
        raise RequestError(422, f"{_shown(sent)}: longer than {MAX_NAME} characters", FILES)
    if name.startswith(".") or Path(name).suffix.lower() not in SUFFIXES:
        kinds = ", ".join(SUFFIXES)
        raise RequestError(422, f"{_shown(sent)}: no scan; its name must end in {kinds}", FILES)
    return name


def _base(sent: str) -> str:
    return re.split(r"[/\\]", sent)[-1]


def _shown(text: str) -> str:
    """The end of a name as a message can show it."""
    plain = "".join(one if one.isprintable() else "?" for one in _base(text))
    return plain if len(plain) <= 80 else f"...{plain[-77:]}"
