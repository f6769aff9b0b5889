"""`outcomes_to_check.csv` and the section of the report on recorded outcomes to look up."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.errors import InputError
from ctt_net.metrics.wrong_outcomes import (
    FACTOR_OF_TEN,
    FELLOW_EYE,
    OTHER_NOTATION,
    PREOP_AGAIN,
    PROBABLY_WRONG,
)
from ctt_net.outcome import probability_text
from ctt_net.report.comparison import number_text, span_text

OUTCOMES_FILE = "outcomes_to_check.csv"
TEXTS = ("eye_id", "patient_id", "likely_slip")
# A page is read to its end; the table has them all.
MOST_SHOWN = 30

IN_WORDS = {
    FELLOW_EYE: "left and right eye exchanged",
    OTHER_NOTATION: "written in the other notation, logMAR or decimal",
    FACTOR_OF_TEN: "a factor of ten",
    PREOP_AGAIN: "the acuity before surgery again",
}


def read_outcomes_to_check(folder: Path) -> pd.DataFrame | None:
    """Read the table that an evaluation left; None where it left none.

    Raises:
        InputError: If it is no such table.
    """
    path = folder / OUTCOMES_FILE
    if not path.is_file():
        return None
    table = read_manifest_text(path, by_program=True).reset_index(drop=True)
    try:
        numbers = [str(name) for name in table if name not in TEXTS]
        table[numbers] = table[numbers].replace("", np.nan).astype(np.float64)
        look_up_rows(table)
    except (ValueError, KeyError) as error:
        raise InputError(
            f"{path}: not as ctt-net writes it ({error}); remove it, and the report is written "
            "without these eyes"
        ) from None
    return table


def look_up_rows(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    """One row of the page an eye whose outcome is probably wrong; most probable first.

    Args:
        table: As `outcomes_to_check` gives it.
    """
    if table is None:
        return []
    chosen = table[table["p_wrong"] >= PROBABLY_WRONG].head(MOST_SHOWN)
    return [
        {
            "eye_id": row["eye_id"],
            "recorded": number_text(row["recorded_logmar"], 2),
            "predicted": number_text(row["predicted_logmar"], 2),
            "interval": span_text(row["lower_logmar"], row["upper_logmar"], 2)
            if np.isfinite(row["lower_logmar"])
            else "–",
            "p_wrong": probability_text(row["p_wrong"]),
            "slip": ", or ".join(IN_WORDS[one] for one in row["likely_slip"].split(";") if one),
        }
        for row in chosen.to_dict("records")
    ]
