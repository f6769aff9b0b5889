"""Folds, stored or yet to be made, and whether there are enough patients to train on."""

import numpy as np

from ctt_net.check.finding import Check, Finding
from ctt_net.cohort import Cohort, development_rows, exactly_known
from ctt_net.cohort.folds import FOLDS_FILE
from ctt_net.cohort.problem import Severity
from ctt_net.errors import InputError, count_of
from ctt_net.planning.sample_size import development_sizes

FOLDS = Check(
    "folds-unfit",
    "Folds do not fit the manifest",
    "folds that do not fit the manifest leave eyes out, or put a patient into both sets",
    "delete folds.csv to have new folds made",
)
TOO_FEW = Check(
    "folds-impossible",
    "Too few patients for folds",
    "without folds there is nothing to train and test on",
    "collect more patients, or use the cohort to evaluate a model on only",
)
ONLY_TEST = Check(
    "only-test-eyes",
    "Test eyes only",
    "eyes held out for evaluation are never trained on",
    "evaluate a model on this cohort; to train, empty the split of eyes that may be trained on",
)
FEW = Check(
    "patients-few",
    "Few patients",
    "a model trained on few patients overfits, and its metrics are uncertain",
    "collect more patients (`ctt-net plan` computes how many), start from a pretrained model, or "
    "use the cohort to evaluate a model on",
)

# Below this even an evaluation means little (Collins and others 2016, Statistics in Medicine
# 35:214).
_FEWEST_PATIENTS = 100
# Share of the variance of the outcome that acuity and covariates are expected to explain.
_EXPECTED_R2 = 0.3


def fold_findings(cohort: Cohort) -> tuple[list[tuple[str, str]], list[Finding]]:
    """Fold sizes as facts; stored folds that do not fit are an error."""
    stored = (cohort.root / FOLDS_FILE).exists()
    known = cohort.table["postop_logmar"].notna()
    if known.any() and "split" in cohort.table and not len(development_rows(cohort.table)):
        message = f"the split of all {count_of(known.sum(), 'eye')} with an outcome is test"
        return [], [ONLY_TEST.found("note", message, column="split")]
    try:
        sizes = cohort.folds().value_counts().sort_index()
    except InputError as error:
        if stored:
            return [], [FOLDS.found("error", str(error))]
        return [], [TOO_FEW.found("warning", str(error))]
    name = "eyes per fold" + ("" if stored else " (not yet stored)")
    return [(name, ", ".join(str(n) for n in sizes))], _few(cohort)


def _few(cohort: Cohort) -> list[Finding]:
    """Fewer patients to train on than a regression on the tables alone would need."""
    rows = exactly_known(development_rows(cohort.table))
    patients, sd = rows["patient_id"].nunique(), float(np.std(rows["postop_logmar"], ddof=1))
    parameters = 1 + sum(max(1, len(c.levels) - 1) for c in cohort.spec.covariates.values())
    if not sd > 0:
        return []
    needed = development_sizes(parameters, _EXPECTED_R2, sd)["needed"]
    if patients >= needed:
        return []
    severity: Severity = "warning" if patients < _FEWEST_PATIENTS else "note"
    few = "too few to train a reliable model" if severity == "warning" else "few to train on"
    message = (
        f"{count_of(patients, 'patient')} with an outcome to train on: {few}; about {needed} are "
        f"needed for a regression on acuity and covariates alone (ctt-net plan --parameters "
        f"{parameters} --r2 {_EXPECTED_R2:g} --sd-outcome {sd:.2f}), and more for a network"
    )
    return [FEW.found(severity, message)]
