"""Who took part in the training, and which pictures occur twice."""

import numpy as np
from numpy.typing import NDArray

from ctt_net.audit.cohort_under_audit import Subject
from ctt_net.audit.probe import Probe, Question, Row
from ctt_net.audit.scan_files import ScanFile
from ctt_net.imaging.fingerprint import near_or_mirrored
from ctt_net.model_folder.predictor import Predictor

PATIENTS = Question(
    "training-patients",
    "Did audited patients take part in the training?",
    "leave these rows out; the figures of a model on eyes it was trained on mean nothing",
)
SCANS = Question(
    "training-scans",
    "Did audited scans take part in the training, under whatever name?",
    "leave these rows out; where the training does not know the patient, find out why one scan "
    "stands under two names",
)
COPIES = Question(
    "copies-across-patients",
    "Do scans of two patients show the same picture?",
    "find out whose scan it is, and correct the other row",
)


def known_by(predictor: Predictor, patients: NDArray[np.str_]) -> NDArray[np.bool_]:
    """(E, M) which members saw each patient in training."""
    names, codes = np.unique(patients, return_inverse=True)
    known = [
        [member.provenance.knows_patient(str(name)) for member in predictor.members]
        for name in names
    ]
    return np.array(known, bool).reshape(len(names), len(predictor.members))[codes]


def speaking_members(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(E, M) the members that never saw each patient; all where every one of them did.

    So a run audited on the cohort it was trained on is judged by its predictions out of fold.
    """
    return np.asarray(~known | known.all(axis=1, keepdims=True))


def is_own_cohort(known: NDArray[np.bool_]) -> bool:
    """Whether most eyes were held out by one member and seen by another: a run's own cohort."""
    return bool((known.any(axis=1) & ~known.all(axis=1)).mean() > 0.5)


def patients_probe(subject: Subject, known: NDArray[np.bool_]) -> Probe:
    """Salted fingerprints of the patients, row by row."""
    own = is_own_cohort(known)
    hit = np.asarray(known.all(axis=1) if own else known.any(axis=1))
    n = len(np.unique(subject.patients[hit]))
    answer = f"{n} of {subject.n_patients} patients did."
    if own:
        answer = (
            f"This is the run's own cohort: each eye is predicted by the members that never saw "
            f"its patient; {n} of {subject.n_patients} patients were seen by all."
        )
    elif 2 * n > subject.n_patients:
        answer += (
            " This is the cohort of the training, or holds it: audit eyes that the training never "
            "saw."
        )
    return PATIENTS.answered(answer, bool(n), rows=_rows(subject, hit, "patient took part"))


def scans_probe(subject: Subject, known: NDArray[np.bool_]) -> Probe:
    """Salted fingerprints of the scans, asked of the members that speak of the eye.

    Args:
        subject: Whose scans.
        known: (E, M) which members saw each patient in training.
    """
    hit = np.zeros(len(subject.table), bool)
    for eye, view in np.argwhere(subject.present):
        members = np.flatnonzero(subject.members[eye])
        pixels = subject.pixels[eye, view]
        hit[eye] |= any(
            subject.predictor.members[number].provenance.knows_scan(pixels) for number in members
        )
    answer = f"Scans of {int(hit.sum())} of {len(hit)} eyes did."
    if hit.any():
        strange = int((hit & ~known.any(axis=1)).sum())
        answer += f" Of {strange} of these eyes the training does not know the patient."
    return SCANS.answered(answer, bool(hit.any()), rows=_rows(subject, hit, "scan took part"))


def copies_probe(subject: Subject) -> Probe:
    """Equal and nearly equal pictures of different patients, mirrored ones too."""
    found = [
        (eye, file)
        for eye, of_eye in enumerate(subject.read.files)
        for file in of_eye
        if file is not None
    ]
    pairs = [
        (i, j)
        for i, j in _alike([file for _, file in found])
        if subject.patients[found[i][0]] != subject.patients[found[j][0]]
    ]
    rows = []
    for pair in pairs:
        for here, there in (pair, pair[::-1]):
            eye, other = found[here][0], found[there][0]
            rows.append(
                Row(
                    subject.cohort.rows[eye],
                    str(subject.table["eye_id"].iloc[eye]),
                    f"same picture as in row {subject.cohort.rows[other]}",
                )
            )
    unique = tuple(sorted(set(rows), key=lambda row: (row.row, row.what)))
    answer = f"{len(pairs)} pairs among {len(found)} scans do."
    return COPIES.answered(answer, bool(pairs), rows=unique)


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


def _rows(subject: Subject, chosen: NDArray[np.bool_], what: str) -> tuple[Row, ...]:
    eyes = subject.table["eye_id"]
    return tuple(
        Row(subject.cohort.rows[eye], str(eyes.iloc[eye]), what) for eye in np.flatnonzero(chosen)
    )
