"""What a simulated cohort tells of a perfect reader, beside the potential of its eyes."""

import pandas as pd

from ctt_net.cohort.columns import read_numbers
from ctt_net.cohort.folder import TRUTH_FILE, Cohort
from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.cohort.problem import CohortError

READABLE_COLUMN = "readable_logmar"


def readable_potential(cohort: Cohort) -> pd.Series | None:
    """Prediction of a reader who knows all but what no scan shows, logMAR by eye_id.

    Returns:
        None for real eyes, and for simulated ones whose `truth.csv` has no such column.

    Raises:
        CohortError: If a value is no number.
    """
    path = cohort.root / TRUTH_FILE
    if not path.exists():
        return None
    truth = read_manifest_text(path, by_program=True)
    if READABLE_COLUMN not in truth:
        return None
    readable, problems = read_numbers(truth[READABLE_COLUMN], READABLE_COLUMN)
    if problems:
        raise CohortError(path, problems)
    return readable.set_axis(pd.Index(truth["eye_id"], name="eye_id"))
