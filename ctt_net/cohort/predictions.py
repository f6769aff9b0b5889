"""`predictions.csv`: one row per eye, all that evaluation needs of a model."""

from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.cohort.ids import id_fault
from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.cohort.schema import BOUND_COLUMNS
from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.formula import is_formula
from ctt_net.io.renamed import current_flags

PREDICTIONS_FILE = "predictions.csv"

COLUMNS = (
    "eye_id",
    "patient_id",
    "preop_logmar",
    "postop_logmar",
    "predicted_logmar",
    "lower_logmar",
    "upper_logmar",
    "p_recovery",
    "flags",
)
# For people, in what `ctt-net predict` writes of many patients; nothing computes with them.
READ_BY_PEOPLE = ("laterality", "predicted_snellen", "reason")
TEXT_COLUMNS = ("eye_id", "patient_id", "flags", *READ_BY_PEOPLE)
OUTCOME_PREFIX = "p_"
SCALE_COLUMN = "scale_logmar"  # the model's own, before calibration; other models have none
FOLD_COLUMN = "fold"

# Wider than any off-chart policy (five-mark: no light perception = 5.0 logMAR), narrow enough
# that letters, percents and micrometres do not pass for acuities.
MEASURED_RANGE = (-1.0, 5.5)

# A poor model may predict what no chart shows, and its table must still be written.
PREDICTED_RANGE = (-20.0, 20.0)


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Read and check a predictions table.

    Args:
        path: CSV file, UTF-8.

    Returns:
        Columns as in the file; identifiers and flags as text (never turned into numbers), all
        others float64 with NaN for an empty cell, `fold` integer.

    Raises:
        InputError: Naming file, row, column, value and fix.
    """
    path = Path(path)
    table = read_manifest_text(path, by_program=True)
    if "flags" in table:
        table["flags"] = table["flags"].map(current_flags)
    return check_predictions(table, str(path))


def predictions_text(table: pd.DataFrame) -> str:
    """Contents of `predictions.csv`.

    Floats are written with the fewest digits that read back as the same number.

    Args:
        table: The columns of `COLUMNS`, `BOUND_COLUMNS` where outcomes are known within bounds
            only, `scale_logmar` if there is one, any `p_<outcome>`, out of
            fold `fold`, and any of `READ_BY_PEOPLE`.

    Raises:
        InputError: If the table could not be read back.
    """
    return check_predictions(table, "predictions").to_csv(index=False, lineterminator="\n")


def write_predictions(table: pd.DataFrame, path: str | Path) -> None:
    """Write a predictions table, whole or not at all."""
    atomic_write(Path(path), predictions_text(table))


def outcome_probability(table: pd.DataFrame, name: str, first: bool) -> pd.Series:
    """Probability of one outcome, all NaN where the table has none.

    Args:
        table: Checked predictions.
        name: Name of the outcome.
        first: Whether it is the first one, whose probability `p_recovery` repeats.
    """
    column = OUTCOME_PREFIX + name
    if column in table:
        return table[column]
    return table["p_recovery"] if first else pd.Series(np.nan, index=table.index)


def has_flag(table: pd.DataFrame, flag: str) -> pd.Series:
    """Which eyes carry a flag."""
    texts = [text for text in table["flags"].unique() if flag in text.split(";")]
    return table["flags"].isin(texts)


def check_predictions(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """Check a predictions table and bring its columns into order and type.

    Args:
        table: Values as numbers or as text.
        where: What to call it in errors.

    Raises:
        InputError: Naming row (counted as in the file, the header being row 1), column, value
            and fix.
    """
    order = _column_order(table, where)
    out = pd.DataFrame(index=pd.RangeIndex(len(table)))
    for column in order:
        if column in TEXT_COLUMNS:
            out[column] = _texts(table[column])
        else:
            out[column] = _numbers(table[column], column, where)
    if out.empty:
        raise InputError(f"{where}: no rows; at least one eye is needed")
    _check_rows(out, where)
    if FOLD_COLUMN in out:
        out[FOLD_COLUMN] = out[FOLD_COLUMN].astype(int)
    return out


def _check_rows(table: pd.DataFrame, where: str) -> None:
    """Refuse rows that contradict each other or themselves."""
    lower, upper = table["lower_logmar"], table["upper_logmar"]
    rules = [
        ("eye_id", table["eye_id"] == "", "every eye needs an identifier"),
        ("patient_id", table["patient_id"] == "", "give each eye its patient"),
        ("eye_id", table["eye_id"].duplicated(), "one row per eye; remove the other"),
        ("flags", table["flags"].map(is_formula), "a spreadsheet would run it as a formula"),
        (
            "predicted_logmar",
            table["predicted_logmar"].isna(),
            "a prediction is missing; leave out eyes that the model did not predict",
        ),
        (
            "lower_logmar",
            lower.isna() != upper.isna(),
            "give both ends of the interval, or neither",
        ),
        (
            "lower_logmar",
            lower > upper,
            "lies above upper_logmar; exchange them (a smaller logMAR is better sight)",
        ),
    ]
    rules += [
        (name, table[name].map(is_formula), "a spreadsheet would run it as a formula")
        for name in READ_BY_PEOPLE
        if name in table
    ]
    if BOUND_COLUMNS[0] in table:
        best, worst = (table[name] for name in BOUND_COLUMNS)
        fix = "lies beyond postop_upper_logmar; exchange them (a smaller logMAR is better sight)"
        rules.append((BOUND_COLUMNS[0], best > worst, fix))
    if SCALE_COLUMN in table:
        rules.append((SCALE_COLUMN, table[SCALE_COLUMN] <= 0, "a scale is above 0"))
    if FOLD_COLUMN in table:
        whole = table[FOLD_COLUMN].map(float.is_integer)
        rules.append((FOLD_COLUMN, ~whole, "the fold must be a whole number"))
    for column in ("eye_id", "patient_id"):
        faults = table[column].map(id_fault)
        for row in np.flatnonzero(faults.notna())[:1]:
            raise InputError(f"{where}: row {row + 2}, column {column!r}: {faults.iloc[row]}")
    for column, wrong, fix in rules:
        _check_or_raise(wrong, table, column, where, fix)


def _column_order(table: pd.DataFrame, where: str) -> list[str]:
    """Base columns, scale, outcome probabilities in the order given, fold, words for people."""
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise InputError(
            f"{where}: column {missing[0]!r} is missing; the columns are {', '.join(COLUMNS)} "
            "(unknown values stay empty)"
        )
    bounds = BOUND_COLUMNS if set(BOUND_COLUMNS) <= set(table) else ()
    known = (*COLUMNS, *bounds, *READ_BY_PEOPLE, SCALE_COLUMN, FOLD_COLUMN)
    further = [str(column) for column in table if column not in known]
    for column in further:
        if not column.startswith(OUTCOME_PREFIX):
            raise InputError(
                f"{where}: column {column!r} is not known; remove it, or name it p_<outcome> "
                "if it is the probability of an outcome"
            )
    scale, fold = ([name] if name in table else [] for name in (SCALE_COLUMN, FOLD_COLUMN))
    words = [name for name in READ_BY_PEOPLE if name in table]
    return [*COLUMNS, *bounds, *scale, *further, *fold, *words]


def _texts(column: pd.Series) -> pd.Series:
    """Cells as text without surrounding blanks; NaN and None become empty."""
    rows = zip(column, column.isna(), strict=True)
    cells = ["" if missing else str(cell).strip() for cell, missing in rows]
    return pd.Series(cells, dtype=object)


def _numbers(column: pd.Series, name: str, where: str) -> pd.Series:
    """Cells as float64, NaN where empty, within what the column can hold."""
    texts = _texts(column)
    numbers = pd.to_numeric(texts.where(texts != ""), errors="coerce").astype(np.float64)
    as_text = pd.DataFrame({name: texts})
    unread = (texts != "") & ~np.isfinite(numbers)
    _check_or_raise(
        unread, as_text, name, where, "not a number; write it like 0.30, or leave it empty"
    )
    if name.endswith("_logmar"):
        measured = name in ("preop_logmar", "postop_logmar", *BOUND_COLUMNS)
        low, high = MEASURED_RANGE if measured else PREDICTED_RANGE
        fix = f"outside {low:g}..{high:g} logMAR; convert letters, decimals or Snellen to logMAR"
        _check_or_raise((numbers < low) | (numbers > high), as_text, name, where, fix)
    elif name.startswith(OUTCOME_PREFIX):
        fix = "a probability lies between 0 and 1"
        _check_or_raise((numbers < 0) | (numbers > 1), as_text, name, where, fix)
    return numbers


def _check_or_raise(
    wrong: pd.Series, table: pd.DataFrame, column: str, where: str, fix: str
) -> None:
    """Raise for the first wrong row."""
    rows = np.flatnonzero(wrong.to_numpy(dtype=bool))
    if rows.size:
        value = table[column].iloc[rows[0]]
        shown = "empty" if value == "" or pd.isna(value) else repr(value)
        raise InputError(f"{where}: row {rows[0] + 2}, column {column!r}: {shown}; {fix}")
