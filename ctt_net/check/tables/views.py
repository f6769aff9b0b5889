"""Views that many eyes lack."""

from ctt_net.check.finding import Check, Finding
from ctt_net.cohort import Cohort
from ctt_net.cohort.problem import Severity

VIEW_MISSING = Check(
    "view-missing",
    "an eye that lacks a view is predicted from less, and why it lacks it may tell the outcome",
    "look for the scans; where they were never taken, leave the cells empty",
)

_MANY = 0.2


def view_findings(cohort: Cohort) -> list[Finding]:
    """One finding per view that is not there for every eye."""
    found = []
    for name in cohort.spec.views:
        missing = (cohort.table[name] == "").to_numpy()
        share = missing.mean()
        if missing.any():
            rows = [row for row, absent in zip(cohort.rows, missing, strict=True) if absent]
            message = f"{name} is missing in {len(rows)} of {len(missing)} eyes ({share:.0%})"
            severity: Severity = "warning" if share > _MANY else "note"
            found.append(VIEW_MISSING.found(severity, message, rows, name))
    return found
