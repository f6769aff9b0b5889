"""Measures of scans that contradict what the table says of the same eye."""

from ctt_net.check.finding import Check, Finding
from ctt_net.cohort import Cohort
from ctt_net.errors import count_of

CONTRADICTS = Check(
    "measure-contradicts-table",
    "Measure contradicts the table",
    "a scan of another eye, a wrong size of a pixel or unit, or a failed segmentation makes a "
    "measure wrong",
    "look at the scan with its overlay (ctt-net measure COHORT --out FOLDER), then correct scan, "
    "devices or table",
)

# Two readers, a slice beside the largest width or another definition explain less.
_FACTOR = 3.0


def measure_findings(cohort: Cohort) -> list[Finding]:
    """Eyes whose measure differs by a factor from the column that `same_as` names."""
    found = []
    for name, covariate in cohort.spec.covariates.items():
        if covariate.same_as is None:
            continue
        ours, theirs = cohort.table[name], cohort.table[covariate.same_as]
        known = (ours > 0) & (theirs > 0)
        ratio = ours[known] / theirs[known]
        apart = ratio[(ratio > _FACTOR) | (ratio < 1 / _FACTOR)]
        if len(apart):
            message = (
                f"{name} and {covariate.same_as} differ by a factor above {_FACTOR:g} in "
                f"{len(apart)} of {count_of(int(known.sum()), 'eye')}"
            )
            rows = [cohort.rows[i] for i in apart.index]
            found.append(CONTRADICTS.found("warning", message, rows, name))
    return found
