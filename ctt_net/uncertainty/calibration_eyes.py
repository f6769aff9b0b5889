"""What a network said of eyes whose outcome is known, as far as calibration needs it."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.acuity import preop_band
from ctt_net.outcome import Outcome

DRAW_SEED = 0
ERROR, BAND = "error_in_scales", "band"
LOGIT, RECOVERED = "logit_of_", "recovered_"


def calibration_eyes(
    table: pd.DataFrame,
    postop_logmar: NDArray[np.float64],
    scale_logmar: NDArray[np.float64],
    recovery_logit: NDArray[np.float64],
    outcomes: Sequence[Outcome],
) -> pd.DataFrame:
    """One eye of each patient: error / scale, band, and logit and truth of each outcome.

    Two eyes of a patient are not exchangeable with two patients, so one is drawn. The worse of both
    would be exchangeable, too, but would promise that both eyes are covered at once, and intervals
    would hold more eyes than they say.

    Args:
        table: Rows of a cohort; eyes of unknown outcome are left out.
        postop_logmar: (E,) predicted.
        scale_logmar: (E,).
        recovery_logit: (E, K).
        outcomes: K of them.

    Returns:
        Indexed by eye_id, one row a patient.
    """
    preop, truth = (table[f"{time}_logmar"].to_numpy(float) for time in ("preop", "postop"))
    columns = {
        ERROR: (postop_logmar - truth) / scale_logmar,
        BAND: preop_band(preop, table["preop_off_chart"].to_numpy(str) != ""),
    }
    for k, outcome in enumerate(outcomes):
        columns[LOGIT + outcome.name] = recovery_logit[:, k]
        columns[RECOVERED + outcome.name] = outcome.label(preop, truth)
    out = pd.DataFrame(columns, index=pd.Index(table["eye_id"], name="eye_id"))
    known = np.isfinite(truth)
    drawn = drawn_eyes(table["eye_id"][known], table["patient_id"][known])
    return out[out.index.isin(drawn)]


def drawn_eyes(eye_id: Iterable[str], patient_id: Iterable[str]) -> list[str]:
    """One eye of each patient, drawn by a hash: the same whoever else is in the table."""
    ranks = pd.DataFrame({"eye": eye_id, "patient": patient_id}).astype(str)
    ranks["rank"] = [
        hashlib.sha256(f"{DRAW_SEED}:{eye}".encode()).hexdigest() for eye in ranks["eye"]
    ]
    return ranks.sort_values("rank").groupby("patient", sort=False)["eye"].first().tolist()
