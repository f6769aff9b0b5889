"""What is known of an eye's scans besides the retina: does it explain the outcome?"""

import re
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.audit.cohort_under_audit import CohortUnderAudit
from ctt_net.audit.partial_r2 import partial_r2
from ctt_net.audit.result import AuditResult, AuditTest
from ctt_net.audit.scan_files import ScanFile
from ctt_net.cohort.dates import DATE_COLUMNS, read_dates

Floats = NDArray[np.float64]

METADATA = AuditTest(
    "metadata",
    "Outcome explained by metadata",
    "Do device, site, size, format and name of the files, marks on them and dates explain the "
    "outcome beyond preoperative acuity and age?",
    "find out why these eyes differ; balance them, make the files alike, or test on each group "
    "apart",
)
QUALITY = AuditTest(
    "quality",
    "Outcome explained by signal quality",
    "Does signal quality alone explain the outcome beyond preoperative acuity and age?",
    "report the error by quality, and compare with the baselines within bands of quality",
)

LEAST_R2 = 0.05
# A dense cataract blurs the scan and leaves more to gain, so quality explains a little of the
# outcome in cohorts without fault as well.
LEAST_R2_OF_QUALITY = 0.2
_FEWEST = 3  # patients who share a level; fewer identify the patient, not a group
_MOST_LEVELS = 12


def metadata_test(audited: CohortUnderAudit) -> AuditResult:
    """A regression on metadata only, cross-validated by patient."""
    groups = metadata(audited)
    if not groups:
        return METADATA.not_tested("nothing differs between the eyes")
    given = (audited.truth, audited.given, audited.patients)
    r2 = partial_r2(np.column_stack(list(groups.values())), *given, LEAST_R2)
    text = f"Partial R2: {r2.text()}."
    if r2.value >= LEAST_R2:
        alone = {name: partial_r2(part, *given, np.inf) for name, part in groups.items()}
        best = max(alone, key=lambda name: alone[name].value)
        text += f" Largest for {best} alone: {alone[best].text()}."
    return METADATA.done(
        text, r2.value >= LEAST_R2, p_value=r2.p_value, figures={"partial_r2": r2.figure}
    )


def quality_test(audited: CohortUnderAudit) -> AuditResult:
    """Signal quality and its square."""
    if np.ptp(audited.quality) == 0:
        return QUALITY.not_tested("no quality differs")
    terms = np.column_stack([audited.quality, audited.quality**2])
    r2 = partial_r2(terms, audited.truth, audited.given, audited.patients, LEAST_R2_OF_QUALITY)
    return QUALITY.done(
        f"Partial R2: {r2.text()}; a little is expected, since a dense cataract blurs the scan.",
        r2.value >= LEAST_R2_OF_QUALITY,
        p_value=r2.p_value,
        figures={"partial_r2": r2.figure},
    )


def metadata(audited: CohortUnderAudit) -> dict[str, Floats]:
    """Name to (E, columns) of each kind of metadata that differs between eyes."""
    table = audited.table
    kinds: dict[str, Floats] = {}
    for name in ("device", "site"):
        if name in table:
            kinds[name] = one_hot(table[name], audited.patients)
    for view, name in enumerate(audited.cohort.spec.views):
        files = audited.read.files[:, view]
        for what, of_file in _OF_FILE.items():
            label = pd.Series(["absent" if file is None else of_file(file) for file in files])
            kinds[f"{what} ({name})"] = one_hot(label, audited.patients)
    for column in DATE_COLUMNS[:3]:
        if column in table:
            kinds[f"month of {column}"] = _months(table[column], audited.patients)
    return {name: part for name, part in kinds.items() if part.shape[1]}


def one_hot(labels: pd.Series, patients: NDArray) -> Floats:
    """(E, levels) of a column of words, without levels of too few patients."""
    texts = labels.astype(str).to_numpy()
    owners = pd.Series(patients).groupby(texts).nunique().sort_values(ascending=False)
    levels = [str(level) for level in owners.index[owners >= _FEWEST]][:_MOST_LEVELS]
    if len(levels) < 2 and (not levels or (texts == levels[0]).all()):
        return np.zeros((len(texts), 0))
    return np.column_stack([texts == level for level in levels]).astype(float)


def _months(texts: pd.Series, patients: NDArray) -> Floats:
    """Month of the year, and a linear trend over time."""
    days = read_dates(texts, "date")[0]
    if days.isna().all():
        return np.zeros((len(texts), 0))
    since = (days - days.min()).dt.days.to_numpy(float)
    since = np.where(np.isnan(since), np.nanmean(since), since)
    month = one_hot(days.dt.month.astype("Int64").astype(str), patients)
    return np.column_stack([month, since, days.isna()]) if np.ptp(since) else month


def name_pattern(path: str) -> str:
    """A path with all letters and all digits made alike: the pattern of its name.

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
