"""What is known only after surgery, among the inputs: postoperative scans, covariates."""

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.audit.chance import mean_figure
from ctt_net.audit.cohort_under_audit import Subject
from ctt_net.audit.partial_r2 import explained
from ctt_net.audit.probe import Probe, Question, Row
from ctt_net.cohort.dates import read_dates
from ctt_net.report.warnings import TEST_RETEST_MAE_LOGMAR

AFTER = Question(
    "postoperative-scans",
    "Were scans taken after surgery, by their dates or names?",
    "give the last scan before surgery, or leave the view empty",
)
TOO_GOOD = Question(
    "too-good",
    "Is the model closer to the outcome than two readings of the same eye are to each other?",
    "look for the outcome among the inputs: postoperative scans, covariates, eyes of the training",
)
COVARIATES = Question(
    "covariate-is-outcome",
    "Does one covariate tell more of the outcome than what is known before surgery can?",
    "take it out of cohort.yaml unless it is certain that it was known before surgery",
)

# Share of the variance that preoperative acuity leaves. Readings vary, so that a third of it is
# noise in most cohorts: what tells more than half has seen the outcome.
COVARIATE_FLOOR = 0.5
_AFTER = re.compile(r"(?<![a-z])post[ _-]?(?:op|surg)|(?<![a-z])post(?![a-z])|术后", re.IGNORECASE)
_MOST_LEVELS = 30


def after_probe(subject: Subject) -> Probe:
    """Rows whose scans were taken after surgery."""
    table = subject.table
    after = np.zeros(len(table), bool)
    if {"scan_date", "surgery_date"} <= set(table):
        scanned, operated = (
            read_dates(table[name], name)[0] for name in ("scan_date", "surgery_date")
        )
        after = (scanned > operated).to_numpy(bool)
    named = np.array(
        [
            any(file is not None and bool(_AFTER.search(file.path)) for file in of_eye)
            for of_eye in subject.read.files
        ],
        dtype=bool,
    )
    rows = [
        Row(
            subject.cohort.rows[eye],
            str(table["eye_id"].iloc[eye]),
            "scan_date after surgery_date" if after[eye] else "named as postoperative",
        )
        for eye in np.flatnonzero(after | named)
    ]
    told = "" if "scan_date" in table else " The cohort gives no scan_date, so only names can tell."
    return AFTER.answered(
        f"{int(after.sum())} eyes by date, {int((named & ~after).sum())} by name.{told}",
        bool(rows),
        rows=tuple(rows),
    )


def too_good_probe(subject: Subject) -> Probe:
    """The mean absolute error beside what two readings of an eye differ by."""
    mae = mean_figure(np.abs(subject.predicted - subject.truth), subject.patients)
    return TOO_GOOD.answered(
        f"Its mean absolute error is {mae['value']:.3f} logMAR; two readings differ by "
        f"{TEST_RETEST_MAE_LOGMAR:.2f}.",
        mae["value"] < TEST_RETEST_MAE_LOGMAR,
        figures={"mae": mae},
    )


def covariate_probe(subject: Subject) -> Probe:
    """Each covariate of the cohort or of the model, by itself, beyond preoperative acuity."""
    declared = {**subject.predictor.spec.covariates, **subject.cohort.spec.covariates}
    told = {
        name: explained(
            terms, subject.truth, subject.preop_terms, subject.patients, COVARIATE_FLOOR
        )
        for name in declared
        if name in subject.table and (terms := _terms(subject.table[name])).shape[1]
    }
    if not told:
        return COVARIATES.impossible("the cohort has no covariates")
    worst = min(told, key=lambda name: (told[name].p_value, -told[name].share))
    found = [name for name, one in told.items() if one.share >= COVARIATE_FLOOR]
    shares = sorted(told.items(), key=lambda item: -item[1].share)
    said = ", ".join(f"{name} {max(one.share, 0):.0%}" for name, one in shares[:5])
    used = [name for name in found if name in subject.predictor.spec.covariates]
    also = f" The model takes {', '.join(used)}." if used else ""
    return COVARIATES.answered(
        f"Of the variance that preoperative acuity leaves, they tell: {said}.{also}",
        bool(found),
        p_value=min(1.0, told[worst].p_value * len(told)),
        figures={name: one.figure for name, one in told.items()},
    )


def _terms(column: pd.Series) -> NDArray[np.float64]:
    """Columns that follow a covariate however it goes: its value, its rank, or its levels."""
    if pd.api.types.is_numeric_dtype(column):
        known = column.notna().to_numpy()
        if not known.any() or column.nunique() < 2:
            return np.zeros((len(column), 0))
        filled = column.fillna(column.mean()).to_numpy(float)
        rank = column.rank(pct=True).fillna(0.5).to_numpy(float)
        return np.column_stack([filled, rank, rank**2, rank**3, ~known]).astype(float)
    levels = column.astype(str).value_counts().index[:_MOST_LEVELS]
    return np.column_stack([(column.astype(str) == level) for level in levels]).astype(float)
