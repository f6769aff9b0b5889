"""Small groups, views that many eyes lack, and covariates without information."""

import numpy as np

from ctt_net.check.finding import Check, Finding, rows_where
from ctt_net.cohort import Cohort
from ctt_net.cohort.folds import BAND_CUTS_LOGMAR
from ctt_net.cohort.manifest import SPLITS
from ctt_net.cohort.problem import Severity

SMALL_GROUP = Check(
    "stratum-small",
    "Small group",
    "from so few eyes nothing is learned, and no metric on them is meaningful",
    "collect more, join groups that are alike, or leave them out and say so",
)
SMALL_BAND = Check(
    "outcome-band-small",
    "Few eyes in an outcome band",
    "a model seldom predicts what is rare in its training data",
    "report this band apart, or do not claim to predict it",
)
CONSTANT = Check(
    "covariate-constant",
    "Constant covariate",
    "a covariate that never differs has no information, and may be an export's default",
    "export the values again, or take the covariate out of cohort.yaml",
)
MOSTLY_MISSING = Check(
    "covariate-mostly-missing",
    "Covariate mostly missing",
    "values imputed for more than half of the eyes are not measurements",
    "complete the column, or take the covariate out of cohort.yaml",
)

SMALL = 10
# In a smaller cohort every group is small.
_EYES_FOR_A_WARNING = 100
_MOSTLY = 0.5


def strata_findings(cohort: Cohort) -> list[Finding]:
    """Small groups of device, site, split and outcome; empty covariates; missing views."""
    return [*_groups(cohort), *_bands(cohort), *_covariates(cohort), *_views(cohort)]


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
            rows = rows_where(cohort, labels.isin(small.index))
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


VIEW_MISSING = Check(
    "view-missing",
    "View missing",
    "an eye that lacks a view is predicted from less, and the reason may be associated with its "
    "outcome",
    "search for the scans; where they were never taken, leave the cells empty",
)

_MANY = 0.2


def _views(cohort: Cohort) -> list[Finding]:
    """One finding per view that is not there for every eye."""
    found = []
    for name in cohort.spec.views:
        missing = cohort.table[name] == ""
        share = missing.mean()
        if missing.any():
            rows = rows_where(cohort, missing)
            message = f"{name} is missing in {len(rows)} of {len(missing)} eyes ({share:.0%})"
            severity: Severity = "warning" if share > _MANY else "note"
            found.append(VIEW_MISSING.found(severity, message, rows, name))
    return found
