"""Groups too small to learn from or to test, and covariates that say nothing."""

import numpy as np

from ctt_net.check.finding import Check, Finding
from ctt_net.cohort import Cohort
from ctt_net.cohort.folds import BAND_CUTS_LOGMAR
from ctt_net.cohort.manifest import SPLITS
from ctt_net.cohort.problem import Severity

SMALL_GROUP = Check(
    "stratum-small",
    "of so few eyes nothing is learnt, and no figure on them means anything",
    "collect more, join groups that are alike, or leave them out and say so",
)
SMALL_BAND = Check(
    "outcome-band-small",
    "a model seldom predicts what it has hardly seen",
    "report this band apart, or do not claim to predict it",
)
CONSTANT = Check(
    "covariate-constant",
    "a covariate that never differs says nothing, and may be an export's default",
    "fetch the values anew, or take the covariate out of cohort.yaml",
)
MOSTLY_MISSING = Check(
    "covariate-mostly-missing",
    "what is filled in for more than half of the eyes is a guess",
    "complete the column, or take the covariate out of cohort.yaml",
)

SMALL = 10
# In a smaller cohort every group is small; then it is no news.
_EYES_FOR_A_WARNING = 100
_MOSTLY = 0.5


def strata_findings(cohort: Cohort) -> list[Finding]:
    """Small groups of device, site, split and outcome; empty covariates."""
    return [*_groups(cohort), *_bands(cohort), *_covariates(cohort)]


def _groups(cohort: Cohort) -> list[Finding]:
    found = []
    for column in ("device", "site", "split"):
        if column not in cohort.table:
            continue
        labels = cohort.table[column].astype(str)
        if column == "split":
            labels = labels.where(labels.isin(SPLITS), "")  # another word is an error already
        sizes = labels[labels != ""].value_counts()
        small = sizes[sizes < SMALL]
        if len(small) and len(sizes) > 1:
            names = ", ".join(f"{name} {n}" for name, n in small.iloc[:8].items())
            more = ", ..." if len(small) > 8 else ""
            severe = column == "split" or len(labels) >= _EYES_FOR_A_WARNING
            severity: Severity = "warning" if severe else "note"
            message = (
                f"{len(small)} of {len(sizes)} values of {column} have fewer than {SMALL} eyes: "
                f"{names}{more}"
            )
            mine = labels.isin(small.index).to_numpy()
            rows = [row for row, chosen in zip(cohort.rows, mine, strict=True) if chosen]
            found.append(SMALL_GROUP.found(severity, message, rows, column))
    return found


def _bands(cohort: Cohort) -> list[Finding]:
    postop = cohort.table["postop_logmar"].dropna().to_numpy(float)
    if not len(postop):
        return []
    # Half a letter of slack, as the folds have.
    band = np.digitize(postop - 0.005, BAND_CUTS_LOGMAR, right=True)
    count = np.bincount(band, minlength=len(BAND_CUTS_LOGMAR) + 1)
    edges = ["better", *(f"{cut:g}" for cut in BAND_CUTS_LOGMAR), "worse"]
    small = [
        f"{low} to {high}: {n}"
        for low, high, n in zip(edges[:-1], edges[1:], count, strict=True)
        if n < SMALL
    ]
    if not small:
        return []
    message = f"outcome bands (logMAR) with fewer than {SMALL} eyes: {', '.join(small)}"
    return [SMALL_BAND.found("note", message, column="postop_va")]


def _covariates(cohort: Cohort) -> list[Finding]:
    found = []
    for name in cohort.spec.covariates:
        column = cohort.table[name]
        missing = column.isna().mean()
        if missing > _MOSTLY:
            message = f"{name} is unknown in {column.isna().sum()} of {len(column)} eyes"
            found.append(MOSTLY_MISSING.found("warning", f"{message} ({missing:.0%})", column=name))
        if column.notna().sum() >= SMALL and column.nunique() == 1:
            message = f"{name} is {column.dropna().iloc[0]} in every eye where it is known"
            found.append(CONSTANT.found("warning", message, column=name))
    return found
