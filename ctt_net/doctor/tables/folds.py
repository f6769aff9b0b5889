"""Folds that stand in the folder, or would be dealt."""

from ctt_net.cohort import Cohort
from ctt_net.cohort.folds import FOLDS_FILE
from ctt_net.doctor.finding import Check, Finding
from ctt_net.errors import InputError

FOLDS = Check(
    "folds-unfit",
    "folds that do not fit the manifest leave eyes out, or put a patient on both sides",
    "delete folds.csv to have folds dealt anew",
)
TOO_FEW = Check(
    "folds-impossible",
    "without folds there is nothing to train and test on",
    "collect more patients, or use the cohort to evaluate or predict only",
)


def folds_examined(cohort: Cohort) -> tuple[list[tuple[str, str]], list[Finding]]:
    """Fold sizes as facts; folds that stand there and do not fit are an error."""
    written = (cohort.root / FOLDS_FILE).exists()
    try:
        sizes = cohort.folds().value_counts().sort_index()
    except InputError as error:
        if written:
            return [], [FOLDS.found("error", str(error))]
        return [], [TOO_FEW.found("warning", str(error))]
    name = "eyes per fold" + ("" if written else " (as they would be dealt)")
    return [(name, ", ".join(str(n) for n in sizes))], []
