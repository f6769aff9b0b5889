"""Patients set aside for testing, drawn by their ids alone."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.cohort.folder import SPEC_FILE
from ctt_net.cohort.ids import spelling
from ctt_net.errors import InputError


def held_out_folder(out: Path) -> Path:
    """Where the eyes go that are held out of a cohort."""
    return out.with_name(f"{out.name}_held_out")


def check_evaluation_log(out: Path) -> None:
    """Refuse to put eyes that were held out before back into the cohort.

    Raises:
        InputError: If there is a folder of such eyes.
    """
    held = held_out_folder(out)
    if (held / SPEC_FILE).is_file():
        raise InputError(
            f"{held}: holds the eyes that were held out of {out.name}, which would be trained on "
            f"now; say --hold-out (and --replace) again, or move that folder elsewhere"
        )


def held_out(patient_ids: pd.Series, share: float, seed: int) -> np.ndarray:
    """Which rows are of patients that are held out.

    The draw looks at nothing but the id, however it is spelled: both eyes of a patient go
    together, and a patient stays on one side when the table grows. The share is met on average.

    Args:
        patient_ids: One per row.
        share: Of the patients, between 0 and 1.
        seed: Another one holds out others.

    Raises:
        InputError: If one side stays empty.
    """
    drawn = {}
    for text in patient_ids.unique():
        digest = hashlib.sha256(f"{seed}:{spelling(text)}".encode()).digest()
        drawn[text] = int.from_bytes(digest[:8], "big") < share * 2**64
    held = patient_ids.map(drawn).to_numpy(bool)
    if held.all() or not held.any():
        raise InputError(
            f"--hold-out {share:.0%}: of {len(drawn)} patients {'all' if held.all() else 'none'} "
            f"would be held out by seed {seed}; take another share, or another --seed"
        )
    return held
