"""The two eyes of a person: what must be the same for both."""

import re

import pandas as pd

from ctt_net.check.finding import Check, Finding
from ctt_net.cohort import Cohort
from ctt_net.cohort.columns import says_missing
from ctt_net.errors import count_of

FELLOWS = Check(
    "fellow-eyes-disagree",
    "Fellow eyes disagree",
    "what belongs to the person is the same for both eyes; where it differs, one id stands "
    "for two people or a row is shifted",
    "compare both rows with the patient file, and correct the value or patient_id",
)

_SAME = re.compile(
    r"sex|gender|ethnic|race|diabet|hypertens|smok|birth|性别|民族|糖尿病|高血压|出生",
    re.IGNORECASE,
)
_AGE = re.compile(r"(?:^|_)age(?:_|$)|年龄", re.IGNORECASE)

# Fellow eyes are seldom operated further apart than this.
_AGE_APART_YEARS = 5.0


def fellow_eye_findings(cohort: Cohort) -> list[Finding]:
    """Sex, age and other covariates of the person that differ between fellow eyes."""
    table = cohort.table
    patients = table["patient_id"]
    paired = patients.duplicated(keep=False) & ~says_missing(patients)
    if not paired.any():
        return []
    fellows = table[paired]
    rows = pd.Series(cohort.rows, index=table.index)
    found = []
    for name, covariate in cohort.spec.covariates.items():
        by_patient = fellows.groupby("patient_id")[name]
        if _AGE.search(name) and covariate.kind == "numeric":
            wrong = by_patient.transform("max") - by_patient.transform("min") > _AGE_APART_YEARS
            what = f"by more than {_AGE_APART_YEARS:g} years"
        elif _SAME.search(name):
            wrong = by_patient.transform("nunique") > 1
            what = "between fellow eyes"
        else:
            continue
        if wrong.any():
            odd = fellows[wrong]
            message = f"{name} differs {what} in {count_of(odd['patient_id'].nunique(), 'patient')}"
            found.append(FELLOWS.found("warning", message, rows[odd.index], name))
    return found
