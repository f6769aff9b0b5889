"""Errors of smaller and larger trainings, as `benchmarks/compare.py` writes them or as typed."""

from pathlib import Path

import pandas as pd

from ctt_net.cohort import CohortError
from ctt_net.cohort.columns import read_numbers
from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.errors import InputError
from ctt_net.planning.learning_curve import LearningCurve, fit_learning_curve
from ctt_net.planning.precision import Z95

EYES, MAE, LOW, HIGH = "training_eyes", "mae", "mae_lo", "mae_hi"


def read_learning_curve(
    path: Path | str, row: str | None = None, evaluated: str | None = None
) -> LearningCurve:
    """Read a table and fit the curve of one row of it.

    Args:
        path: CSV with `training_eyes` and `mae`; `mae_lo` and `mae_hi`, a 95% interval, give the
            standard errors. Lines of `comparison.csv` also have `row` (`ctt_net@300`, the part
            before the `@` is its name) and `evaluated`.
        row: Name of the row; needed if there are several.
        evaluated: Start of what it was evaluated on; the table's first by default.

    Raises:
        InputError: If the table is wrong, or several rows are meant.
    """
    path = Path(path)
    table = _read(path)
    if "evaluated" in table:
        wanted = evaluated or str(table["evaluated"].iloc[0])
        table = _chosen(table, table["evaluated"].str.startswith(wanted), path, "evaluated", wanted)
    if "row" in table:
        table = table.assign(row=table["row"].str.split("@").str[0])
        names = list(dict.fromkeys(table["row"]))
        if row is None and len(names) > 1:
            raise InputError(f"{path}: has the rows {', '.join(names)}; say which with --row")
        wanted = row or names[0]
        table = _chosen(table, table["row"] == wanted, path, "row", wanted)
    table = table.sort_values(EYES, kind="stable")
    se = None
    if LOW in table and HIGH in table and table[[LOW, HIGH]].notna().all(axis=None):
        se = ((table[HIGH] - table[LOW]) / (2 * Z95)).to_numpy(float)
    try:
        return fit_learning_curve(table[EYES].to_numpy(float), table[MAE].to_numpy(float), se)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _read(path: Path) -> pd.DataFrame:
    """Lines with a number of training eyes; an oracle has none."""
    table = read_manifest_text(path)
    for column in (EYES, MAE):
        if column not in table:
            raise InputError(
                f"{path}: column {column!r} is missing; give the comparison.csv of "
                f"benchmarks/compare.py, or a table with {EYES} and {MAE}"
            )
    for column in (name for name in (EYES, MAE, LOW, HIGH) if name in table):
        table[column], problems = read_numbers(table[column], column)
        if problems:
            raise CohortError(path, problems)
    table = table[table[EYES].notna() & table[MAE].notna()]
    if table.empty:
        raise InputError(f"{path}: no line has both {EYES} and {MAE}")
    return table


def _chosen(
    table: pd.DataFrame, which: pd.Series, path: Path, column: str, wanted: str
) -> pd.DataFrame:
    if not which.any():
        known = ", ".join(dict.fromkeys(table[column]))
        raise InputError(f"{path}: no {column} {wanted!r}; there are {known}")
    return table[which]
