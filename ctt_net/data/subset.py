"""Fewer eyes than there are, for learning curves: nested, patients whole, alike for every row."""

import numpy as np
import pandas as pd

from ctt_net.errors import InputError


def fewer_eyes(table: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Take patients in a random order until the eyes are enough.

    Fewer eyes of the same seed are among more of them, and nothing but the patients and the seed
    decides, so that two networks compared at one size learn from the same eyes.

    Args:
        table: Rows of a cohort.
        count: Eyes wanted; one more comes if the last patient has two.
        seed: Of the order.

    Returns:
        Some rows of `table`, in its order.

    Raises:
        InputError: If there are not so many.
    """
    if count > len(table):
        raise InputError(
            f"data.training_eyes: {count} eyes are wanted and {len(table)} lie outside the fold; "
            f"ask for at most {len(table)}, or leave it out to take all"
        )
    patients = np.random.default_rng(seed).permutation(np.unique(table["patient_id"].to_numpy(str)))
    eyes = table["patient_id"].value_counts()
    reached = np.cumsum([eyes[patient] for patient in patients])
    taken = patients[: int(np.searchsorted(reached, count)) + 1]
    return table[table["patient_id"].isin(taken)]
