"""Grouped, stratified folds: no patient in two of them, every outcome band in each."""

import io
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.cohort.ids import one_spelling
from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.cohort.outcomes import exactly_known, outcome_bounds
from ctt_net.errors import InputError, count_of
from ctt_net.io.atomic_write import atomic_write

FOLDS_FILE = "folds.csv"

# logMAR cuts of the outcome bands (20/25, 20/40, 20/63, 20/200).
BAND_CUTS_LOGMAR = (0.1, 0.3, 0.5, 1.0)


def strata(table: pd.DataFrame, smallest: int) -> np.ndarray:
    """Outcome band of each eye, split by device where each part still holds `smallest` eyes.

    Outcomes known within bounds have bands of their own, that of their middle or only bound.
    """
    lower, upper = outcome_bounds(table)
    postop = np.where(np.isfinite(lower), lower, upper)
    both = np.isfinite(lower) & np.isfinite(upper) & (lower < upper)
    postop[both] = (lower + upper)[both] / 2
    # Half a letter of slack, so that 20/40 = 0.301 falls in "0.30 or better".
    band = np.digitize(postop - 0.005, BAND_CUTS_LOGMAR, right=True)
    labels = pd.Series(band.astype(str), index=table.index)
    labels = labels.where(lower == upper, labels + " within bounds")
    if "device" in table:
        finer = labels + "/" + table["device"].astype(str)
        size = finer.map(finer.value_counts())
        labels = finer.where(size >= smallest, labels)
    return labels.to_numpy(str)


def make_folds(table: pd.DataFrame, n_folds: int = 5, seed: int = 0) -> pd.Series:
    """Assign eyes to folds, grouped by patient and stratified by outcome band and device.

    Args:
        table: Cohort table. Eyes of unknown outcome, and those of `split` test or val, get
            none.
        n_folds: Number of folds.
        seed: Shuffles; the order of the rows does not matter.

    Returns:
        Fold of each such eye, 1..n_folds, indexed by eye_id.

    Raises:
        InputError: If there are fewer than two folds, or fewer patients than folds.
    """
    if n_folds < 2:
        raise InputError(f"{n_folds} folds divide nothing; ask for 2 or more")
    rows = fold_rows(table).sort_values("eye_id")
    patient = one_spelling(rows["patient_id"])
    # Figures are of exactly known outcomes, so each fold needs some.
    patients = patient[exactly_known(rows).index].nunique()
    if patients < 2:
        raise InputError(
            f"{count_of(patients, 'patient')} with an exactly known outcome outside the splits "
            f"test and val: too few for folds, so this cohort can be evaluated on, not trained on"
        )
    if patients < n_folds:
        raise InputError(
            f"{patients} patients with an exactly known outcome cannot make {n_folds} folds; "
            f"ask for at most {patients}"
        )
    # Here and not above: half of the start-up of a prediction, which makes no folds.
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(n_splits=n_folds, shuffle=True, random_state=seed)
    labels = strata(rows, n_folds)
    if np.unique(labels, return_counts=True)[1].max() < n_folds:
        labels = np.full(len(labels), "all")  # every stratum is smaller than the folds are many
    fold = np.zeros(len(labels), dtype=int)
    with warnings.catch_warnings():
        # A band of fewer eyes than folds cannot be in each; that is no reason to alarm anyone.
        warnings.filterwarnings("ignore", message="The least populated class")
        parts = splitter.split(labels, labels, patient.to_numpy())
        for number, (_, members) in enumerate(parts, start=1):
            fold[members] = number
    return pd.Series(fold, index=pd.Index(rows["eye_id"], name="eye_id"), name="fold")


def most_folds(table: pd.DataFrame, wanted: int = 5) -> int:
    """So many folds, or as many as there are patients for; below 2 there can be none."""
    return min(wanted, one_spelling(exactly_known(fold_rows(table))["patient_id"]).nunique())


def development_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Eyes that may train a model: outcome known, if only within bounds, `split` not test."""
    known = ~np.isnan(outcome_bounds(table)[0])
    if "split" in table:
        known &= (table["split"] != "test").to_numpy(bool)
    return table[known]


def fold_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Development eyes that folds are made of; those of `split` val choose every checkpoint."""
    rows = development_rows(table)
    return rows[rows["split"] != "val"] if "split" in rows else rows


def val_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Development eyes of `split` val."""
    rows = development_rows(table)
    return rows[rows["split"] == "val"] if "split" in rows else rows[:0]


def write_folds(folds: pd.Series, path: Path) -> None:
    """Write `eye_id,fold`, whole or not at all."""
    text = io.StringIO()
    folds.rename("fold").rename_axis("eye_id").reset_index().to_csv(
        text, index=False, lineterminator="\n"
    )
    atomic_write(path, text.getvalue())


def read_folds(path: Path, table: pd.DataFrame) -> pd.Series:
    """Read folds and check them against the cohort they divide.

    Args:
        path: `folds.csv`.
        table: Cohort table.

    Raises:
        InputError: If an eye is missing, unknown or given twice, a fold is no number from 1 on, or
            a patient straddles two folds.
    """
    text = read_manifest_text(path, by_program=True)
    if list(text.columns) != ["eye_id", "fold"]:
        raise InputError(f"{path}: expected the columns eye_id,fold, got {', '.join(text.columns)}")
    fix = "delete the file to have folds made anew"
    bad = text["fold"][~text["fold"].str.fullmatch(r"[1-9]\d{0,3}")]
    if len(bad):
        raise InputError(
            f"{path}, row {bad.index[0]}, column fold: must be 1, 2, ..., got {bad.iloc[0]!r}; "
            f"{fix}"
        )
    if text["eye_id"].duplicated().any():
        again = text["eye_id"][text["eye_id"].duplicated()]
        raise InputError(f"{path}, row {again.index[0]}: eye {again.iloc[0]!r} stands twice; {fix}")
    if text["fold"].nunique() < 2:
        raise InputError(f"{path}: all eyes are in one fold, which divides nothing; {fix}")
    folds = pd.Series(text["fold"].astype(int).to_numpy(), index=text["eye_id"], name="fold")
    val = sorted(set(val_rows(table)["eye_id"]) & set(folds.index))
    if val:
        raise InputError(
            f"{path}: {len(val)} eyes have a fold and stand as split val in the manifest, such as "
            f"{val[0]!r}; eyes of split val choose the checkpoint of every fold and are in none. "
            f"{fix[0].upper()}{fix[1:]}, or empty those cells of the column split"
        )
    odd = sorted(set(fold_rows(table)["eye_id"]) ^ set(folds.index))
    if odd:
        raise InputError(
            f"{path}: does not fit the manifest ({len(odd)} eyes differ, such as {odd[0]!r}); {fix}"
        )
    patient = one_spelling(table.set_index("eye_id")["patient_id"]).reindex(folds.index)
    parts = pd.DataFrame({"patient": patient, "fold": folds}).drop_duplicates()
    straddling = parts["patient"][parts["patient"].duplicated()]
    if len(straddling):
        raise InputError(f"{path}: patient {straddling.iloc[0]!r} stands in two folds; {fix}")
    return folds
