"""Train-test overlap: patients and scans of the training, and pictures that occur twice."""

import numpy as np
from numpy.typing import NDArray

from ctt_net.audit.cohort_under_audit import CohortUnderAudit
from ctt_net.audit.result import AuditResult, AuditTest, Row
from ctt_net.audit.scan_files import ScanFile
from ctt_net.imaging.fingerprint import near_or_mirrored
from ctt_net.model_folder.predictor import Predictor

PATIENTS = AuditTest(
    "training-patients",
    "Patients of the training data",
    "Are patients of this cohort in the training data?",
    "leave these rows out; metrics of a model on its own training data are meaningless",
)
SCANS = AuditTest(
    "training-scans",
    "Scans of the training data",
    "Are scans of this cohort in the training data, under whatever id?",
    "leave these rows out; where the patient is not in the training data, find out why one scan "
    "has two ids",
)
COPIES = AuditTest(
    "copies-across-patients",
    "Duplicate scans across patients",
    "Do scans of two patients show the same picture?",
    "find out whose scan it is, and correct the other row",
)


def known_by(predictor: Predictor, patients: NDArray[np.str_]) -> NDArray[np.bool_]:
    """(E, M) which members were trained on each patient."""
    names, codes = np.unique(patients, return_inverse=True)
    known = [
        [member.provenance.knows_patient(str(name)) for member in predictor.members]
        for name in names
    ]
    return np.array(known, bool).reshape(len(names), len(predictor.members))[codes]


def out_of_fold_members(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(E, M) the members not trained on each patient; all where every one of them was.

    So a run audited on the cohort it was trained on is judged by its out-of-fold predictions.
    """
    return np.asarray(~known | known.all(axis=1, keepdims=True))


def is_own_cohort(known: NDArray[np.bool_]) -> bool:
    """Whether most eyes are held out by one member and known to another: a run's own cohort."""
    return bool((known.any(axis=1) & ~known.all(axis=1)).mean() > 0.5)


def patients_test(audited: CohortUnderAudit, known: NDArray[np.bool_]) -> AuditResult:
    """Salted fingerprints of the patients, row by row."""
    own = is_own_cohort(known)
    hit = np.asarray(known.all(axis=1) if own else known.any(axis=1))
    n = len(np.unique(audited.patients[hit]))
    text = f"{n} of {audited.n_patients} patients are."
    if own:
        text = (
            f"This is the run's own cohort: each eye is predicted by the members not trained on "
            f"its patient; all members were trained on {n} of {audited.n_patients} patients."
        )
    elif 2 * n > audited.n_patients:
        text += (
            " This is the training cohort, or contains it: audit eyes that are not in the training "
            "data."
        )
    return PATIENTS.done(text, bool(n), rows=audited.rows_of(hit, "patient in the training data"))


def scans_test(audited: CohortUnderAudit, known: NDArray[np.bool_]) -> AuditResult:
    """Salted fingerprints of the scans, looked up in the members that predict the eye.

    Args:
        audited: Whose scans.
        known: (E, M) which members were trained on each patient.
    """
    hit = np.zeros(len(audited.table), bool)
    for eye, view in np.argwhere(audited.present):
        members = np.flatnonzero(audited.members[eye])
        pixels = audited.pixels[eye, view]
        hit[eye] |= any(
            audited.predictor.members[number].provenance.knows_scan(pixels) for number in members
        )
    text = f"Scans of {int(hit.sum())} of {len(hit)} eyes are."
    if hit.any():
        strange = int((hit & ~known.any(axis=1)).sum())
        text += f" Of {strange} of these eyes the patient is not in the training data."
    return SCANS.done(text, bool(hit.any()), rows=audited.rows_of(hit, "scan in the training data"))


def copies_test(audited: CohortUnderAudit) -> AuditResult:
    """Equal and nearly equal pictures of different patients, mirrored ones too."""
    found = [
        (eye, file)
        for eye, of_eye in enumerate(audited.read.files)
        for file in of_eye
        if file is not None
    ]
    pairs = [
        (found[i][0], found[j][0])
        for i, j in _alike([file for _, file in found])
        if audited.patients[found[i][0]] != audited.patients[found[j][0]]
    ]
    ids, numbers = audited.table["eye_id"], audited.cohort.rows
    rows = {
        Row(numbers[eye], str(ids.iloc[eye]), f"same picture as in row {numbers[other]}")
        for pair in pairs
        for eye, other in (pair, pair[::-1])
    }
    text = f"{len(pairs)} pairs among {len(found)} scans do."
    in_order = tuple(sorted(rows, key=lambda row: (row.row, row.what)))
    return COPIES.done(text, bool(pairs), rows=in_order)


def _alike(files: list[ScanFile]) -> list[tuple[int, int]]:
    """Pairs of files of equal pixels, or near by perceptual hash as they are or one mirrored."""
    near = near_or_mirrored(np.array([file.hashes for file in files]))
    first: dict[str, int] = {}
    same = {
        (first[file.digest], number)
        for number, file in enumerate(files)
        if first.setdefault(file.digest, number) != number
    }
    return sorted(same.union(near))
