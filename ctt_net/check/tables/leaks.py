"""Columns that contain the outcome, by their values or by their name (leakage)."""

import re

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu, spearmanr

from ctt_net.check.finding import Check, Finding
from ctt_net.cohort import Cohort
from ctt_net.cohort.manifest import undeclared_columns
from ctt_net.cohort.problem import Severity

OUTCOME = Check(
    "covariate-holds-outcome",
    "Covariate contains the outcome",
    "what is known only after surgery cannot be an input; with it every metric is too good",
    "take the covariate out of cohort.yaml",
)
OUTCOME_NAME = Check(
    "covariate-named-as-outcome",
    "Covariate named like an outcome",
    "the name says that it is known only after surgery, so it cannot be an input",
    "take the covariate out of cohort.yaml, or rename it if it was known before surgery",
)
UNDECLARED = Check(
    "column-holds-outcome",
    "Undeclared column contains the outcome",
    "a column that repeats the outcome is harmless only until someone declares it as a covariate",
    "take the column out of manifest.csv, or leave it undeclared",
)

_NAMED = re.compile(
    r"(?:^|_)post(?:_?op|_?surg|operative|va|_|$)|outcome|improve|(?:^|_)gain(?:_|$)|recover|"
    r"final_?va|(?:^|_)va_final|success|术后|预后",
    re.IGNORECASE,
)
_RANK_CORRELATION = 0.95
_R2 = 0.95
_R2_OF_LEVELS = 0.9
_SEPARATION = 0.98
_ENOUGH_EYES = 20
_ENOUGH_OF_A_LEVEL = 5
_MOST_LEVELS = 30


def leak_findings(cohort: Cohort) -> list[Finding]:
    """Covariates and undeclared columns that repeat the outcome."""
    table = cohort.table
    known = table["postop_logmar"].notna() & table["preop_logmar"].notna()
    eyes = table[known]
    found = []
    for name in cohort.spec.covariates:
        evidence = _evidence(eyes, eyes[name])
        if evidence:
            found.append(OUTCOME.found("error", f"{name} {evidence}", column=name))
        elif _NAMED.search(name):
            message = f"the covariate {name!r} is named like something known only after surgery"
            found.append(OUTCOME_NAME.found("warning", message, column=name))
    for name in undeclared_columns(table, cohort.spec):
        texts = eyes[name].astype(str).str.strip()
        evidence = _evidence(eyes, _typed(texts[texts != ""]))
        if evidence or _NAMED.search(name):
            severity: Severity = "warning" if evidence else "note"
            message = f"{name} {evidence}" if evidence else f"{name} is named like an outcome"
            found.append(UNDECLARED.found(severity, f"{message}; not declared", column=name))
    return found


def _typed(texts: pd.Series) -> pd.Series:
    """Numbers where nearly all are, else the words."""
    numbers = pd.to_numeric(texts, errors="coerce").replace([np.inf, -np.inf], np.nan)
    return numbers if len(texts) and numbers.notna().mean() > 0.9 else texts


def _evidence(eyes: pd.DataFrame, values: pd.Series) -> str:
    """Why the column contains the outcome, as text; empty if it does not."""
    values = values.dropna()
    if len(values) < _ENOUGH_EYES or values.nunique() < 2:
        return ""
    postop = eyes["postop_logmar"].loc[values.index].to_numpy(float)
    preop = eyes["preop_logmar"].loc[values.index].to_numpy(float)
    if np.ptp(postop) == 0:
        return ""
    numeric = pd.api.types.is_numeric_dtype(values)
    if numeric and values.nunique() > 2:
        evidence = _evidence_of_numbers(values.to_numpy(float), preop, postop)
        if evidence:
            return evidence
    if values.nunique() <= _MOST_LEVELS:
        return _evidence_of_levels(values, preop, postop)
    return ""


def _evidence_of_numbers(values: np.ndarray, preop: np.ndarray, postop: np.ndarray) -> str:
    rank = _rank_correlation(values, postop)
    if abs(rank) > _RANK_CORRELATION and abs(rank) > abs(_rank_correlation(preop, postop)):
        return f"follows the postoperative acuity (rank correlation {rank:.3f})"
    alone = _r2([preop], postop)
    together = _r2([preop, values], postop)
    if together > _R2 and together - alone > (1 - alone) / 2:
        return (
            f"and the preoperative acuity together determine the postoperative one "
            f"({together:.0%} of its variance, {alone:.0%} without it)"
        )
    return ""


def _evidence_of_levels(values: pd.Series, preop: np.ndarray, postop: np.ndarray) -> str:
    codes, levels = pd.factorize(values)
    n, k = len(codes), len(levels)
    count = np.bincount(codes)
    if k >= 3 and n - k >= _ENOUGH_EYES // 2:
        means = np.bincount(codes, postop) / count
        within = float(((postop - means[codes]) ** 2).sum()) / (n - k)
        explained = 1 - within / float(postop.var(ddof=1))
        if explained > _R2_OF_LEVELS:
            return f"determines the postoperative acuity ({explained:.0%} of its variance)"
    for target, what in ((postop, "postoperative acuity"), (preop - postop, "gain")):
        for code in range(k):
            inside = int(count[code])
            if min(inside, n - inside) >= _ENOUGH_OF_A_LEVEL:
                greater = mannwhitneyu(target[codes == code], target[codes != code]).statistic
                area = greater / (inside * (n - inside))
                area = max(area, 1 - area)
                if area >= _SEPARATION:
                    return f"= {levels[code]} separates the eyes by {what} (AUROC {area:.3f})"
    return ""


def _rank_correlation(left: np.ndarray, right: np.ndarray) -> float:
    return 0.0 if np.ptp(left) == 0 else float(spearmanr(left, right).statistic)


def _r2(columns: list[np.ndarray], target: np.ndarray) -> float:
    """Share of the variance that a linear fit explains."""
    design = np.column_stack([np.ones(len(target)), *columns])
    fit, *_ = np.linalg.lstsq(design, target, rcond=None)
    return 1 - float(((target - design @ fit) ** 2).mean() / target.var())
