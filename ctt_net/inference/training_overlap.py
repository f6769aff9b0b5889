"""Eyes that a model has seen; places, values and scans that it has not."""

from collections import Counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.cohort import Cohort
from ctt_net.data.scans import Scans
from ctt_net.errors import InputError, count_of
from ctt_net.imaging import DOUBTS
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.provenance import ORIGIN_COLUMNS, known_origins
from ctt_net.uncertainty.flags import flags_in_words

# Rows that a refusal names; the rest are counted.
SHOWN_ROWS = 10


def check_no_known_patients(predictor: Predictor, cohort: Cohort, cure: str) -> None:
    """Refuse patients of the model's training or recalibration.

    Args:
        predictor: Knows their fingerprints.
        cohort: Whose rows are asked for.
        cure: End of the message: why not, and what to do.

    Raises:
        InputError: If there are such patients.
    """
    patients = cohort.table["patient_id"].unique()
    seen = {patient for patient in patients if predictor.knows_patient(str(patient))}
    if seen:
        rows = np.flatnonzero(cohort.table["patient_id"].isin(seen))
        raise InputError(
            f"{cohort.root}: {len(seen)} of {len(patients)} patients took part in the training or "
            f"recalibration of this model ({_named_rows(cohort, rows)}); {cure}"
        )


def check_no_known_scans(predictor: Predictor, cohort: Cohort, scans: Scans, cure: str) -> None:
    """Refuse scans of the training or recalibration, whoever's they are called now.

    Raises:
        InputError: If there are such scans.
    """
    seen = [
        eye
        for eye in range(len(cohort.table))
        if any(predictor.knows_scan(pixels) for pixels in scans.pixels[eye][scans.present[eye]])
    ]
    if seen:
        raise InputError(
            f"{cohort.root}: scans of {len(seen)} of {len(cohort.table)} eyes took part in the "
            f"training or recalibration of this model under another patient id "
            f"({_named_rows(cohort, np.array(seen))}); {cure}"
        )


def origin_warnings(predictor: Predictor, table: pd.DataFrame) -> list[str]:
    """Devices and sites that no member was trained on; silent where the training recorded none.

    Args:
        predictor: Knows the fingerprints of those it was trained on.
        table: Rows of a cohort.
    """
    warnings = []
    for column in ORIGIN_COLUMNS:
        unseen = []
        for value, count in sorted(Counter(known_origins(table, column)).items()):
            known = [one.provenance.knows_origin(column, value) for one in predictor.members]
            if False in known and True not in known:
                unseen.append(f"{value!r} ({count_of(count, 'eye')})")
        if unseen:
            warnings.append(
                f"The model was trained on no eye of {column} {', '.join(unseen)}: its intervals "
                f"promise nothing there until it is recalibrated (ctt-net recalibrate)."
            )
    return warnings


def input_warnings(predictor: Predictor, cohort: Cohort, predictions: pd.DataFrame) -> list[str]:
    """Once for the cohort, what flags say of single eyes: wrong scans, values of no training.

    Args:
        predictor: Knows its levels and ranges.
        cohort: Predicted eyes.
        predictions: Of the same, in their order.
    """
    flags = predictions["flags"].str.split(";")
    told = dict.fromkeys(flag for of_eye in flags for flag in of_eye)
    warnings = []
    for flag in told:
        word, _, name = flag.partition(":")
        rows = np.array([flag in of_eye for of_eye in flags])
        of_single_eyes = word in (*DOUBTS, "unseen_level", "outside_training")
        if not of_single_eyes and not (word == "missing_view" and rows.all()):
            continue
        detail = ""
        if word == "outside_training":
            low, high = predictor.covariate_ranges[name]
            detail = f" ({low:g} to {high:g})"
        elif word == "unseen_level":
            here = ", ".join(sorted(cohort.table[name][rows].unique()))
            known = ", ".join(predictor.spec.covariates[name].levels)
            detail = f" (here {here}; in training {known})"
        warnings.append(
            f"{rows.sum()} of {len(rows)} eyes: {flags_in_words([flag])[0]}{detail}; they have the "
            f"flag {flag} in predictions.csv."
        )
    return warnings


def _named_rows(cohort: Cohort, positions: NDArray[np.int64]) -> str:
    """Rows of the manifest with their eyes; more than a few are counted."""
    named = [
        f"row {cohort.rows[position]} {cohort.table['eye_id'].iloc[position]}"
        for position in positions[:SHOWN_ROWS]
    ]
    more = len(positions) - SHOWN_ROWS
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")
