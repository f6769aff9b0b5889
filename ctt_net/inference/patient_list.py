"""Where many patients are: a folder of patient folders, a cohort folder, or a table of files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from ctt_net.acuity import AcuityError, is_missing, parse_va
from ctt_net.acuity.off_chart import logmar_of_off_chart
from ctt_net.acuity.record import Acuity
from ctt_net.cohort import AcuityColumns, Cohort, CohortError, CohortSpec, Covariate, Problem
from ctt_net.cohort.dates import DATE_COLUMNS
from ctt_net.cohort.folder import MANIFEST_FILE, SPEC_FILE
from ctt_net.cohort.manifest import interpret_manifest
from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.cohort.scan_names import is_scan
from ctt_net.cohort.schema import Device
from ctt_net.data.scans import Scans
from ctt_net.devices import is_device_file
from ctt_net.errors import InputError, close_name
from ctt_net.inference.patient import PATIENT_FILE, UNKNOWN, Patient, PatientEye, read_acuity
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.table import arrange_views, check_same_covariates
from ctt_net.types import EYES

Kind = Literal["folder of patients", "cohort", "table of files"]

# Of a manifest, what is known only after surgery and what no prediction reads.
_NOT_READ = ("postop_va", "postop_logmar", "postop_off_chart", "followup_days", "split")


@dataclass(frozen=True)
class ListedPatient:
    """One patient to be predicted.

    Args:
        name: Unlike that of any other of the list: of the folder, or the patient's id.
        folder: Holds the scans.
        patient: As a table says it; None of a folder, which is still to be read.
        eye_ids: Laterality to the id in the table; empty of a folder.
        wrong: What is wrong with it, known already; empty = nothing so far.
    """

    name: str
    folder: Path
    patient: Patient | None = None
    eye_ids: Mapping[str, str] = field(default_factory=dict)
    wrong: str = ""


@dataclass(frozen=True)
class PatientList:
    """All patients of an input.

    Args:
        kind: What the input is.
        patients: In its order.
    """

    kind: Kind
    patients: list[ListedPatient]


def is_one_patient(path: Path) -> bool:
    """Whether this is a single patient's folder, or nothing that exists."""
    if not path.is_dir():
        return path.suffix.lower() != ".csv"
    if (path / SPEC_FILE).is_file():
        return False
    inside = list(path.iterdir())
    of_patient = any(
        one.name == PATIENT_FILE or is_scan(one) or is_device_file(one)
        for one in inside
        if one.is_file()
    )
    return of_patient or not any(_may_be_patient(one) for one in inside)


def list_patients(path: Path, predictor: Predictor, notation: str | None = None) -> PatientList:
    """Find the patients of an input; no scan is opened.

    Args:
        path: Folder of patient folders, cohort folder, or table (CSV).
        predictor: Knows the views and covariates.
        notation: Of `preop_va` in a table, where no column `notation` says it.

    Raises:
        InputError: If the input as a whole cannot be used. What is wrong with one patient is said
            in its `wrong`, and stops no other.
    """
    if path.is_dir() and (path / SPEC_FILE).is_file():
        _check_no_notation(notation, f"{path / SPEC_FILE} declares the notation")
        return PatientList("cohort", list(_of_cohort(path, predictor)))
    if path.is_dir():
        _check_no_notation(notation, f"each {PATIENT_FILE} states its own")
        folders = sorted(one for one in path.iterdir() if _may_be_patient(one))
        return PatientList("folder of patients", [ListedPatient(one.name, one) for one in folders])
    return PatientList("table of files", list(_of_table(path, predictor, notation)))


def _may_be_patient(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _check_no_notation(notation: str | None, instead: str) -> None:
    if notation is not None:
        raise InputError(f"--notation is of no use here: {instead}; leave it out")


def _of_cohort(root: Path, predictor: Predictor) -> Iterator[ListedPatient]:
    """Rows of a manifest; outcomes and dates are neither needed nor read."""
    spec, path = CohortSpec.read(root / SPEC_FILE), root / MANIFEST_FILE
    policy = predictor.spec.off_chart_policy
    _check_suits(root, spec, predictor)
    text = read_manifest_text(path).drop(columns=[*_NOT_READ, *DATE_COLUMNS], errors="ignore")
    # What the model does not read may be wrong.
    views = {name: one for name, one in spec.views.items() if name in predictor.spec.views}
    known = {
        name: one
        for name, one in spec.covariates.items()
        if name in predictor.covariates and one.measured_in is None
    }
    read = spec.model_copy(update={"views": views, "covariates": known})
    table, problems = interpret_manifest(text.assign(postop_va=""), read, root)
    wrong = _by_row(problems, path)
    only = next(iter(spec.devices)) if len(spec.devices) == 1 else ""
    devices = table["device"] if "device" in table else pd.Series("", index=table.index)
    scale_of = {row: spec.devices.get(str(name).strip() or only) for row, name in devices.items()}
    acuities: dict[Any, Acuity | None] = {}
    for row, va, logmar, word in zip(
        table.index, text["preop_va"], table["preop_logmar"], table["preop_off_chart"], strict=True
    ):
        # What off-chart words count as is the model's affair, as for a patient's folder.
        try:
            value = logmar_of_off_chart(word, policy) if word else float(logmar)
        except AcuityError as error:
            wrong.setdefault(row, f"{path}: row {row}, column preop_va: {error}")
            continue
        acuities[row] = None if np.isnan(value) else Acuity(value, word or None, str(va).strip())
    yield from _patients(table, root, path, predictor, acuities, wrong, {}, scale_of)


def _of_table(path: Path, predictor: Predictor, notation: str | None) -> Iterator[ListedPatient]:
    """Rows of a CSV: one per eye, with the file of each view relative to the CSV."""
    text, spec = read_manifest_text(path), predictor.spec
    given = {name: one for name, one in predictor.covariates.items() if one.measured_in is None}
    acuity = _check_columns(path, text, list(spec.views), given)
    present = {name: given[name] for name in given if name in text}
    declared = CohortSpec.model_construct(
        views=spec.views,
        covariates=present,
        acuity=AcuityColumns(preop_va="logmar", postop_va="logmar"),
    )
    blank = {name: "" for name in spec.views if name not in text}
    ids = text["patient_id"].str.strip() + "_" + text["laterality"].str.strip()
    filled = text.assign(preop_va="", postop_va="", **blank)
    filled = filled.assign(eye_id=text.get("eye_id", ids)).drop(
        columns="preop_logmar", errors="ignore"
    )
    table, problems = interpret_manifest(filled, declared, path.parent)
    wrong = _by_row(problems, path)
    blank_cells = pd.Series("", index=text.index)
    notations = text.get("notation", blank_cells).str.strip()
    acuities = {}
    for row, va, its in zip(text.index, text[acuity].str.strip(), notations, strict=True):
        try:
            acuities[row] = _table_acuity(
                va, "logmar" if acuity == "preop_logmar" else its or notation,
                f"{path}: row {row}, column {acuity}", spec.off_chart_policy,
            )  # fmt: skip
        except InputError as error:
            wrong.setdefault(row, str(error))
    device_of = {row: name.strip() or None for row, name in text.get("device", blank_cells).items()}
    yield from _patients(table, path.parent, path, predictor, acuities, wrong, device_of, {})


def _check_columns(
    path: Path, text: pd.DataFrame, views: Sequence[str], given: Mapping[str, Covariate]
) -> str:
    """The name of the column of acuities, in a table whose columns are all known."""
    ids, acuities = ["patient_id", "laterality"], ["preop_va", "preop_logmar"]
    known = [*ids, *acuities, "notation", "device", "eye_id", *views, *given]
    for name in map(str, text):
        if name not in known:
            close = close_name(name, known, taken=map(str, text))
            raise InputError(
                f"{path}: column {name!r} is not known; "
                + (f"is it {close!r}? Rename it. " if close else "remove it. ")
                + f"There may be: {', '.join(known)}"
            )
    for name in ids:
        if name not in text:
            raise InputError(f"{path}: the column {name!r} is missing; add it")
    if not set(views) & set(text):
        raise InputError(
            f"{path}: no column of a view; name the scans' files under {', '.join(views)}, "
            f"relative to the table"
        )
    found = [name for name in acuities if name in text]
    if len(found) != 1:
        raise InputError(
            f"{path}: give the preoperative acuity in one column: preop_va (with notation) or "
            f"preop_logmar"
        )
    return found[0]


def _table_acuity(text: str, notation: str | None, where: str, policy: str) -> Acuity | None:
    if text.lower() == UNKNOWN:
        return None
    if is_missing(text):
        raise InputError(
            f"{where}: the preoperative acuity is not given; write it, or {UNKNOWN} if nobody "
            f"measured it"
        )
    if where.endswith("preop_logmar"):
        try:
            return parse_va(text, "logmar", policy)
        except AcuityError as error:
            raise InputError(f"{where}: {error}") from None
    return read_acuity(text, notation, where, policy, "the column 'notation', or --notation")


def _check_suits(root: Path, spec: CohortSpec, predictor: Predictor) -> None:
    """Views and covariates of one name must mean one thing; said once, not for every patient."""
    # With all columns: what is measured in the scans is measured here.
    cohort = Cohort(root, spec, pd.DataFrame(columns=list(predictor.covariates)), ())
    V = len(spec.views)
    none = Scans(np.zeros((0, V, 1, 1), np.uint8), np.zeros((0, V), bool), np.zeros((0, V)))
    arrange_views(none, cohort, predictor.spec)
    check_same_covariates(cohort, predictor.spec)


def _by_row(problems: Sequence[Problem], path: Path) -> dict[Any, str]:
    """What is wrong with each row.

    Raises:
        CohortError: If something is wrong with the table as a whole.
    """
    errors = [one for one in problems if one.severity == "error"]
    whole = [one for one in errors if one.row is None]
    if whole:
        raise CohortError(path, whole)
    wrong: dict[Any, str] = {}
    for one in errors:
        for row in (one.row, *one.other_rows):
            wrong.setdefault(row, f"{path}: {one}")
    return wrong


def _patients(
    table: pd.DataFrame,
    root: Path,
    path: Path,
    predictor: Predictor,
    acuities: Mapping[Any, Acuity | None],
    wrong: Mapping[Any, str],
    device_of: Mapping[Any, str | None],
    scale_of: Mapping[Any, Device | None],
) -> Iterator[ListedPatient]:
    """Rows of one patient id together, in the order of their first rows."""
    views = [name for name in predictor.spec.views if name in table]
    given = [
        name
        for name, one in predictor.covariates.items()
        if one.measured_in is None and name in table
    ]
    patients: dict[str, dict[Any, dict[Any, Any]]] = {}
    for row, record in zip(table.index, table.to_dict("records"), strict=True):
        patients.setdefault(record["patient_id"] or f"row {row}", {})[row] = record
    for name, rows in patients.items():
        faults = [wrong[row] for row in rows if row in wrong]
        devices = list({(device_of.get(row), scale_of.get(row)): row for row in rows})
        if len(devices) > 1:
            faults.append(f"{path}: patient {name}: eyes of two devices; give them two ids")
        if faults:
            yield ListedPatient(name, root, wrong=faults[0])
            continue
        sides = {record["laterality"]: row for row, record in rows.items()}
        eyes = tuple(
            PatientEye(
                side,
                acuities[sides[side]],
                {view: root / rows[sides[side]][view] for view in views if rows[sides[side]][view]},
            )
            for side in EYES
            if side in sides
        )
        covariates = {
            column: {
                side: rows[row][column]
                for side, row in sides.items()
                if pd.notna(rows[row][column])
            }
            for column in given
        }
        patient = Patient(
            name,
            eyes,
            {column: one for column, one in covariates.items() if one},
            *devices[0],
            path,
        )
        ids = {side: str(rows[row]["eye_id"]) for side, row in sides.items()}
        yield ListedPatient(name, root, patient, ids)
