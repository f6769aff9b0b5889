"""The manifest's text columns become numbers; what cannot is a problem with row and column."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ctt_net.acuity import AcuityError, is_missing, parse_va
from ctt_net.cohort.problem import Problem
from ctt_net.cohort.schema import CohortSpec, Covariate

# The recorded text and the float beside it may differ by the rounding of a table, not by a letter.
AGREEMENT_LOGMAR = 0.006

HEADER_ROW = 1


def sheet_row(position: int) -> int:
    """Line number as a spreadsheet shows it, from the 0-based position of a row."""
    return position + HEADER_ROW + 1


def add_acuities(table: pd.DataFrame, spec: CohortSpec) -> tuple[pd.DataFrame, list[Problem]]:
    """Fill `<time>_logmar` and `<time>_off_chart` from `<time>_va`, and check those that stand.

    Args:
        table: Manifest as text.
        spec: Gives the notation of each column and the off-chart policy.

    Returns:
        The table with float and off-chart columns, and the problems.
    """
    table = table.copy()
    problems: list[Problem] = []
    for time in ("preop", "postop"):
        column = f"{time}_va"
        notation = spec.notation[column]
        parsed: dict[str, tuple[float, str]] = {}
        logmar = np.full(len(table), np.nan)
        off_chart = np.full(len(table), "", dtype=object)
        for position, text in enumerate(table[column]):
            if is_missing(text):
                continue
            try:
                if text not in parsed:  # charts have few lines: parse each text once
                    acuity = parse_va(text, notation, spec.off_chart_policy)
                    parsed[text] = (acuity.logmar, acuity.off_chart or "")
                logmar[position], off_chart[position] = parsed[text]
            except AcuityError as error:
                problems.append(Problem(str(error), row=sheet_row(position), column=column))
        problems += _disagreements(table, f"{time}_logmar", logmar, column, notation)
        table[f"{time}_logmar"] = logmar
        table[f"{time}_off_chart"] = off_chart
    return table, problems


def _disagreements(
    table: pd.DataFrame, name: str, logmar: np.ndarray, column: str, notation: str
) -> Iterable[Problem]:
    """Where a logMAR column stands in the file already, it must say what the text says."""
    if name not in table:
        return []
    given, problems = read_numbers(table[name], name)
    for position in np.flatnonzero(~np.isnan(given)):
        expected = logmar[position]
        if np.isnan(expected) or abs(given[position] - expected) > AGREEMENT_LOGMAR:
            text = table[column].iloc[position]
            meaning = "missing" if np.isnan(expected) else f"{expected:.3f} logMAR"
            problems.append(
                Problem(
                    f"{given[position]:g} does not agree with {column} {text!r}, which in the "
                    f"declared notation {notation} is {meaning}; correct one of them or the "
                    f"notation in cohort.yaml",
                    row=sheet_row(int(position)),
                    column=name,
                )
            )
    return problems


def read_numbers(
    texts: pd.Series, column: str, missing: Iterable[str] = ()
) -> tuple[np.ndarray, list[Problem]]:
    """Read a column of numbers; empty, missing words and the given sentinels become NaN."""
    stripped = texts.astype(str).str.strip()
    unknown = stripped.map(is_missing).to_numpy(bool) | stripped.isin(list(missing)).to_numpy(bool)
    numbers = pd.to_numeric(stripped.where(~unknown), errors="coerce").to_numpy(float)
    bad = ~unknown & ~np.isfinite(numbers)
    problems = [
        Problem(f"{texts.iloc[i]!r} is no number", row=sheet_row(int(i)), column=column)
        for i in np.flatnonzero(bad)
    ]
    return np.where(bad, np.nan, numbers), problems


def read_covariate(
    texts: pd.Series, column: str, covariate: Covariate
) -> tuple[pd.Series, list[Problem]]:
    """Read one covariate: floats for numeric and binary, one of the levels for categorical.

    Returns:
        The column (NaN = unknown), and the problems.
    """
    if covariate.kind != "categorical":
        numbers, problems = read_numbers(texts, column, covariate.missing)
        if covariate.kind == "binary":
            problems += [
                Problem(f"{number:g} is not 0 or 1", row=sheet_row(int(i)), column=column)
                for i, number in enumerate(numbers)
                if not np.isnan(number) and number not in (0.0, 1.0)
            ]
        return pd.Series(numbers, index=texts.index), problems
    stripped = texts.astype(str).str.strip()
    unknown = stripped.map(is_missing) | stripped.isin(list(covariate.missing))
    known_levels = ", ".join(covariate.levels)
    problems = [
        Problem(
            f"{value!r} is none of the declared levels {known_levels}",
            row=sheet_row(position),
            column=column,
        )
        for position, (value, skip) in enumerate(zip(stripped, unknown, strict=True))
        if not skip and value not in covariate.levels
    ]
    return stripped.astype(object).where(~unknown, np.nan), problems
