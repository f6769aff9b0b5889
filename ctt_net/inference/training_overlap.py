"""Train-test overlap, and what of a cohort was not in the training: devices, sites, values."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.cohort import Cohort
from ctt_net.data.scans import Progress, Scans, load_scans
from ctt_net.errors import InputError, count_of
from ctt_net.imaging import DOUBTS
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.provenance import ORIGIN_COLUMNS, known_origins
from ctt_net.model_folder.table import arrange_views, check_same_covariates
from ctt_net.uncertainty.flags import flags_in_words

# Rows that a refusal names; the rest are counted.
SHOWN_ROWS = 10


def load_unseen_scans(
    predictor: Predictor,
    cohort: Cohort,
    fix: str | None,
    *,
    progress: Progress | None = None,
    cache: Path | None = None,
) -> Scans:
    """Read the scans of a cohort for a model that none of its eyes trained or recalibrated.

    Args:
        predictor: The model; it keeps fingerprints of its patients and scans.
        cohort: Whose rows are wanted.
        fix: End of a refusal: why not, and what to do. None lets eyes of the training pass.
        progress: Called after each scan.
        cache: As in `load_scans`.

    Returns:
        Views in the network's order.

    Raises:
        InputError: If covariates or views do not fit the model, a scan cannot be read, or there is
            an overlap.
    """
    check_same_covariates(cohort, predictor.spec)
    table = cohort.table
    if fix is not None:
        patients = table["patient_id"].unique()
        known = {patient for patient in patients if predictor.knows_patient(str(patient))}
        if known:
            rows = np.flatnonzero(table["patient_id"].isin(known))
            raise InputError(
                f"{cohort.root}: {len(known)} of {len(patients)} patients took part in the "
                f"training or recalibration of this model ({_named_rows(cohort, rows)}); {fix}"
            )
    scans = load_scans(cohort, predictor.spec.preprocessing, progress, cache)
    scans = arrange_views(scans, cohort, predictor.spec)
    if fix is not None:
        eyes = [
            eye
            for eye in range(len(table))
            if any(predictor.knows_scan(pixels) for pixels in scans.pixels[eye][scans.present[eye]])
        ]
        if eyes:
            raise InputError(
                f"{cohort.root}: scans of {len(eyes)} of {len(table)} eyes took part in the "
                f"training or recalibration of this model under another patient id "
                f"({_named_rows(cohort, np.array(eyes))}); {fix}"
            )
    return scans


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
                f"are not guaranteed there until it is recalibrated (ctt-net recalibrate)."
            )
    return warnings


def input_warnings(predictor: Predictor, cohort: Cohort, predictions: pd.DataFrame) -> list[str]:
    """Once for the cohort, what flags say of single eyes: wrong scans, values not in the training.

    Args:
        predictor: Knows its levels and ranges.
        cohort: Predicted eyes.
        predictions: Of the same, in their order.
    """
    flags = predictions["flags"].str.split(";")
    found = dict.fromkeys(flag for of_eye in flags for flag in of_eye)
    warnings = []
    for flag in found:
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
