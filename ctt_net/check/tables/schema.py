"""Problems that reading the cohort itself lists, grouped: one finding, not a line per row."""

from collections.abc import Hashable

from ctt_net.check.finding import Check, Finding, rows_where
from ctt_net.cohort import Cohort, Problem
from ctt_net.cohort.dates import DATE_COLUMNS
from ctt_net.cohort.schema import VA_COLUMNS
from ctt_net.errors import count_of

MISSING_COLUMN = Check(
    "column-missing",
    "Column missing",
    "without it the manifest cannot be read as cohort.yaml declares it",
    "name the column so in the first row of manifest.csv, or correct cohort.yaml",
)
ID = Check(
    "id-unusable",
    "Eye or patient id unusable",
    "an eye without an id cannot be followed, and a patient without one may be in both training "
    "and test set",
    "give every eye a plain id of its own and every patient one for both eyes",
)
IDS_ALIKE = Check(
    "patient-ids-alike",
    "Patient ids almost identical",
    "one person under two spellings counts as two, and is not recognised in evaluation",
    "write one person's id the same in every row; if they are two persons, ignore this",
)
LATERALITY = Check(
    "laterality-unreadable",
    "Laterality unreadable",
    "left eyes are mirrored, so the laterality must be known",
    "write OD or OS in every row",
)
EYE_TWICE = Check(
    "eye-twice",
    "Eye in two rows",
    "an eye counted twice is trained on twice, and may be in both training and test set",
    "keep one row, that of the visit you mean",
)
TOO_MANY_EYES = Check(
    "more-than-two-eyes",
    "Patient with more than two eyes",
    "several visits of one eye, or an id shared by several people, break every split by patient",
    "keep one visit of each eye, or correct patient_id",
)
TWO_SPLITS = Check(
    "patient-in-two-splits",
    "Patient in two splits",
    "the eyes of a patient resemble each other, so this is train-test leakage",
    "put all eyes of a patient into one split",
)
SPLIT_WORD = Check(
    "split-unreadable",
    "Split unreadable",
    "an eye of unknown split may be trained on by mistake",
    "write train, val or test, or leave the cell empty",
)
ACUITY = Check(
    "va-unreadable",
    "Visual acuity unreadable",
    "an impossible acuity is a typing error or in another notation than the declared one",
    "correct the cell, or the notation in cohort.yaml; leave it empty if unknown",
)
ACUITY_DISAGREES = Check(
    "va-columns-disagree",
    "Acuity columns disagree",
    "two columns with different acuities leave open which one is predicted",
    "correct one of them, or empty the logMAR and off-chart columns: they are filled from the text",
)
UNIT = Check(
    "unit-inverted",
    "Acuity notation may be inverted",
    "after surgery most eyes see better; if most see worse, a column is probably read in the wrong "
    "notation",
    "correct the notation in cohort.yaml, or set acuity.expect_improvement: false where it is true",
)
COVARIATE = Check(
    "covariate-unreadable",
    "Covariate unreadable",
    "a value outside the declaration has no defined meaning",
    "correct the cells, or declare level, unit or sentinel in cohort.yaml",
)
IMPOSSIBLE = Check(
    "covariate-impossible",
    "Impossible covariate value",
    "a typing error or a code for unknown would be read as a measurement",
    "correct the cells; declare a code for unknown under missing, or other limits as range, in "
    "cohort.yaml",
)
FOLLOWUP = Check(
    "followup-unreadable",
    "Follow-up unreadable",
    "the time of measurement is part of what is predicted",
    "write whole days after surgery, or leave the cell empty if unknown",
)
DATE = Check(
    "date-unreadable",
    "Date unreadable",
    "an ambiguous date may put events in the wrong order",
    "write yyyy-mm-dd, or leave the cell empty if unknown",
)
SCAN_PATH = Check(
    "scan-path",
    "Scan file not found",
    "a scan that cannot be found is no input",
    "correct the path, relative to the cohort folder, or leave the cell empty if the view is "
    "missing",
)
SCAN_TWICE = Check(
    "scan-named-twice",
    "Scan named twice",
    "a scan belongs to one eye and one view; named twice, one of the two is wrong",
    "correct the row that names another eye's or view's scan",
)
NO_VIEW = Check(
    "no-view",
    "Eye without scans",
    "such an eye is predicted from its acuity alone",
    "give at least one scan, or leave the eye out",
)
OTHER = Check(
    "schema",
    "Cohort format",
    "the cohort cannot be used, or not as expected",
    "see the message",
)

_SHOWN_MESSAGES = 3
_BY_CODE = {
    check.code: check
    for check in (
        *(MISSING_COLUMN, EYE_TWICE, IDS_ALIKE, TWO_SPLITS, UNIT),
        *(IMPOSSIBLE, NO_VIEW, SCAN_TWICE),
    )
}
_BY_COLUMN = {
    **dict.fromkeys(("eye_id", "patient_id"), ID),
    **dict.fromkeys(VA_COLUMNS, ACUITY),
    **dict.fromkeys(DATE_COLUMNS, DATE),
    "laterality": LATERALITY,
    "split": SPLIT_WORD,
    "followup_days": FOLLOWUP,
}


def schema_findings(cohort: Cohort, problems: list[Problem]) -> list[Finding]:
    """Group what `inspect_cohort` listed.

    Args:
        cohort: As inspected.
        problems: All that was listed.
    """
    crowded = _rows_of_crowds(cohort)
    groups: dict[tuple[str, str, str | None], tuple[Check, list[Problem]]] = {}
    for problem in problems:
        check = _check_of(problem, cohort)
        if check is EYE_TWICE and problem.row in crowded and problem.column == "patient_id":
            check = TOO_MANY_EYES
        key = (check.code, problem.severity, problem.column)
        groups.setdefault(key, (check, []))[1].append(problem)
    return [
        _without_view(cohort, members[0]) if check is NO_VIEW else _grouped(check, members, crowded)
        for check, members in groups.values()
    ]


def _without_view(cohort: Cohort, problem: Problem) -> Finding:
    """The one problem that stands for many rows names a few of them only."""
    rows = rows_where(cohort, (cohort.table[list(cohort.spec.views)] == "").all(axis=1))
    return NO_VIEW.found(problem.severity, f"{count_of(len(rows), 'eye')} without any scan", rows)


def _check_of(problem: Problem, cohort: Cohort) -> Check:
    column = problem.column or ""
    if problem.code in _BY_CODE:
        return _BY_CODE[problem.code]
    if column.endswith(("_logmar", "_off_chart")):
        return ACUITY_DISAGREES
    if column in cohort.spec.covariates:
        return COVARIATE
    if column in cohort.spec.views:
        return SCAN_PATH
    return _BY_COLUMN.get(column, OTHER)


def _rows_of_crowds(cohort: Cohort) -> dict[Hashable, list[int]]:
    """Rows of patients with more than two eyes, by each of these rows."""
    if "patient_id" not in cohort.table:
        return {}
    patients = cohort.table["patient_id"]
    crowded = patients.map(patients.value_counts()) > 2
    crowds: dict[str, list[int]] = {}
    for patient, row in zip(patients[crowded], rows_where(cohort, crowded), strict=True):
        crowds.setdefault(str(patient), []).append(row)
    return {row: rows for rows in crowds.values() for row in rows}


def _grouped(check: Check, problems: list[Problem], crowded: dict[Hashable, list[int]]) -> Finding:
    rows: list[Hashable] = []
    for problem in problems:
        if check is TOO_MANY_EYES and problem.row is not None:
            rows += crowded[problem.row]
        elif problem.row is not None:
            rows += [problem.row, *problem.other_rows]
    messages = list(dict.fromkeys(problem.message for problem in problems))
    shown = "; also: ".join(messages[:_SHOWN_MESSAGES])
    hidden = len(messages) - _SHOWN_MESSAGES
    more = f"; and {hidden} more such messages" if hidden > 0 else ""
    count = f"{len(problems)} times: " if len(problems) > 1 else ""
    first = problems[0]
    return check.found(first.severity, f"{count}{shown}{more}", rows, first.column)
