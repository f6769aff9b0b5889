"""Leakage of the outcome into the inputs: postoperative scans, covariates."""

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.audit.cohort_under_audit import CohortUnderAudit
from ctt_net.audit.partial_r2 import partial_r2
from ctt_net.audit.resampling import mean_figure
from ctt_net.audit.result import AuditResult, AuditTest, Row
from ctt_net.cohort.dates import read_dates
from ctt_net.report.warnings import TEST_RETEST_MAE_LOGMAR

AFTER = AuditTest(
    "postoperative-scans",
    "Postoperative scans",
    "Were scans taken after surgery, by their dates or names?",
    "give the last scan before surgery, or leave the view empty",
)
TOO_GOOD = AuditTest(
    "too-good",
    "Error below test-retest variability",
    "Is the model's error smaller than the difference between two readings of the same eye?",
    "look for the outcome among the inputs: postoperative scans, covariates, eyes of the training",
)
COVARIATES = AuditTest(
    "covariate-is-outcome",
    "Covariate contains the outcome",
    "Does one covariate explain more of the outcome than is possible before surgery?",
    "take it out of cohort.yaml unless it was certainly known before surgery",
)

# Of the variance that preoperative acuity leaves. Readings vary, so that a third of it is noise in
# most cohorts: a covariate that explains more than half contains the outcome.
LEAST_R2 = 0.5
_AFTER = re.compile(r"(?<![a-z])post[ _-]?(?:op|surg)|(?<![a-z])post(?![a-z])|术后", re.IGNORECASE)
_MOST_LEVELS = 30


def after_test(audited: CohortUnderAudit) -> AuditResult:
    """Rows whose scans were taken after surgery."""
    table = audited.table
    after = np.zeros(len(table), bool)
    if {"scan_date", "surgery_date"} <= set(table):
        scanned, operated = (
            read_dates(table[name], name)[0] for name in ("scan_date", "surgery_date")
        )
        after = (scanned > operated).to_numpy(bool)
    named = np.array(
        [
            any(file is not None and bool(_AFTER.search(file.path)) for file in of_eye)
            for of_eye in audited.read.files
        ],
        dtype=bool,
    )
    rows = [
        Row(
            audited.cohort.rows[eye],
            str(table["eye_id"].iloc[eye]),
            "scan_date after surgery_date" if after[eye] else "named as postoperative",
        )
        for eye in np.flatnonzero(after | named)
    ]
    limit = "" if "scan_date" in table else " There is no scan_date, so only names can show it."
    return AFTER.done(
        f"{int(after.sum())} eyes by date, {int((named & ~after).sum())} by name.{limit}",
        bool(rows),
        rows=tuple(rows),
    )


def too_good_test(audited: CohortUnderAudit) -> AuditResult:
    """The mean absolute error, compared with the test-retest difference."""
    mae = mean_figure(np.abs(audited.predicted - audited.truth), audited.patients)
    return TOO_GOOD.done(
        f"The mean absolute error is {mae['value']:.3f} logMAR; two readings differ by "
        f"{TEST_RETEST_MAE_LOGMAR:.2f}.",
        mae["value"] < TEST_RETEST_MAE_LOGMAR,
        figures={"mae": mae},
    )


def covariate_test(audited: CohortUnderAudit) -> AuditResult:
    """Each covariate of the cohort or of the model, by itself, beyond preoperative acuity."""
    declared = {**audited.predictor.spec.covariates, **audited.cohort.spec.covariates}
    given = (audited.truth, audited.preop_terms, audited.patients, LEAST_R2)
    r2 = {
        name: partial_r2(terms, *given)
        for name in declared
        if name in audited.table and (terms := _terms(audited.table[name])).shape[1]
    }
    if not r2:
        return COVARIATES.not_tested("the cohort has no covariates")
    worst = min(r2.values(), key=lambda one: (one.p_value, -one.value))
    found = [name for name, one in r2.items() if one.value >= LEAST_R2]
    largest = sorted(r2.items(), key=lambda item: -item[1].value)[:5]
    listed = ", ".join(f"{name} {one.text()}" for name, one in largest)
    used = [name for name in found if name in audited.predictor.spec.covariates]
    also = f" The model takes {', '.join(used)}." if used else ""
    return COVARIATES.done(
        f"Partial R2 beyond preoperative acuity: {listed}.{also}",
        bool(found),
        p_value=min(1.0, worst.p_value * len(r2)),
        figures={name: one.figure for name, one in r2.items()},
    )


def _terms(column: pd.Series) -> NDArray[np.float64]:
    """Flexible regression terms of a covariate: its value and its rank, or its levels."""
    if pd.api.types.is_numeric_dtype(column):
        known = column.notna().to_numpy()
        if not known.any() or column.nunique() < 2:
            return np.zeros((len(column), 0))
        filled = column.fillna(column.mean()).to_numpy(float)
        rank = column.rank(pct=True).fillna(0.5).to_numpy(float)
        return np.column_stack([filled, rank, rank**2, rank**3, ~known]).astype(float)
    levels = column.astype(str).value_counts().index[:_MOST_LEVELS]
    return np.column_stack([(column.astype(str) == level) for level in levels]).astype(float)
