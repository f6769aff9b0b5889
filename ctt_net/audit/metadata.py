"""What is known of an eye's scans without looking at the retina: does it tell the outcome?"""

import re
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.audit.cohort_under_audit import Subject
from ctt_net.audit.partial_r2 import explained
from ctt_net.audit.probe import Probe, Question
from ctt_net.audit.scan_files import ScanFile
from ctt_net.cohort.dates import DATE_COLUMNS, read_dates

Floats = NDArray[np.float64]

METADATA = Question(
    "metadata",
    "Do device, site, size, format and name of the files, marks on them and dates tell the outcome "
    "beyond preoperative acuity and age?",
    "find out why these eyes differ; balance them, make the files alike, or test on each group "
    "apart",
)
QUALITY = Question(
    "quality",
    "Does signal quality alone tell the outcome beyond preoperative acuity and age?",
    "report the error by quality, and compare with the baselines within bands of quality",
)

# Least share of the remaining variance that is worth a finding.
FLOOR = 0.05
# A dense cataract blurs the scan and leaves more to gain, so quality tells a little of the outcome
# in honest cohorts as well.
QUALITY_FLOOR = 0.2
_FEWEST = 3  # patients who share a level; fewer tell the patient, not a group
_MOST_LEVELS = 12


def metadata_probe(subject: Subject) -> Probe:
    """A model of metadata only, cross-fitted by patient."""
    groups = metadata(subject)
    if not groups:
        return METADATA.impossible("nothing differs between the eyes")
    everything = np.column_stack(list(groups.values()))
    told = explained(everything, subject.truth, subject.given, subject.patients, FLOOR)
    answer = f"They tell {max(told.share, 0):.0%} of the variance that is left."
    if told.share >= FLOOR:
        shares = {
            name: explained(part, subject.truth, subject.given, subject.patients, np.inf).share
            for name, part in groups.items()
        }
        best = max(shares, key=shares.__getitem__)
        answer += f" Most by {best} alone: {max(shares[best], 0):.0%}."
    return METADATA.answered(
        answer,
        told.share >= FLOOR,
        p_value=told.p_value,
        figures={"share_explained": told.figure},
    )


def quality_probe(subject: Subject) -> Probe:
    """Signal quality, and whether the model errs more on poor scans."""
    if np.ptp(subject.quality) == 0:
        return QUALITY.impossible("no quality differs")
    terms = np.column_stack([subject.quality, subject.quality**2])
    told = explained(terms, subject.truth, subject.given, subject.patients, QUALITY_FLOOR)
    return QUALITY.answered(
        f"It tells {max(told.share, 0):.0%} of the variance that is left; a little is expected, "
        f"since a dense cataract blurs the scan.",
        told.share >= QUALITY_FLOOR,
        p_value=told.p_value,
        figures={"share_explained": told.figure},
    )


def metadata(subject: Subject) -> dict[str, Floats]:
    """Name to (E, columns) of each kind of metadata that differs between eyes."""
    table = subject.table
    kinds: dict[str, Floats] = {}
    for name in ("device", "site"):
        if name in table:
            kinds[name] = one_hot(table[name], subject.patients)
    for view, name in enumerate(subject.cohort.spec.views):
        files = subject.read.files[:, view]
        for what, of_file in _OF_FILE.items():
            label = pd.Series(["absent" if file is None else of_file(file) for file in files])
            kinds[f"{what} ({name})"] = one_hot(label, subject.patients)
    for column in DATE_COLUMNS[:3]:
        if column in table:
            kinds[f"month of {column}"] = _months(table[column], subject.patients)
    return {name: part for name, part in kinds.items() if part.shape[1]}


def one_hot(labels: pd.Series, patients: NDArray) -> Floats:
    """(E, levels) of a column of words, without those of too few patients."""
    texts = labels.astype(str).to_numpy()
    owners = pd.Series(patients).groupby(texts).nunique().sort_values(ascending=False)
    levels = [str(level) for level in owners.index[owners >= _FEWEST]][:_MOST_LEVELS]
    if len(levels) < 2 and (not levels or (texts == levels[0]).all()):
        return np.zeros((len(texts), 0))
    return np.column_stack([texts == level for level in levels]).astype(float)


def _months(texts: pd.Series, patients: NDArray) -> Floats:
    """Month of the year, and time itself as a line."""
    days = read_dates(texts, "date")[0]
    if days.isna().all():
        return np.zeros((len(texts), 0))
    since = (days - days.min()).dt.days.to_numpy(float)
    since = np.where(np.isnan(since), np.nanmean(since), since)
    month = one_hot(days.dt.month.astype("Int64").astype(str), patients)
    return np.column_stack([month, since, days.isna()]) if np.ptp(since) else month


def name_pattern(path: str) -> str:
    """A path with its letters and digits made alike, so that the way of naming is left.

    Example:
        >>> name_pattern("images/s5-00012-OD_horizontal.png")
        'images/a9-9-a_a.png'
    """
    pure = PurePosixPath(path)
    stem = re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "a", pure.stem))
    return str(pure.parent / (stem + pure.suffix.lower()))


def _size(file: ScanFile) -> str:
    return f"{file.size[0]}x{file.size[1]}"


def _marks(file: ScanFile) -> str:
    return " ".join([file.layout, *sorted(file.overlays)])


def _name(file: ScanFile) -> str:
    return name_pattern(file.path)


_OF_FILE = {"size": _size, "name": _name, "marks": _marks}
