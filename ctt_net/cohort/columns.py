"""The manifest's text columns become numbers; what cannot is a problem with row and column."""

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from ctt_net.acuity import AcuityError, is_missing, parse_va, parse_va_bounds
from ctt_net.cohort.covariate import Covariate, impossible_value, possible_range
from ctt_net.cohort.problem import Problem
from ctt_net.cohort.schema import BOUND_COLUMNS, CohortSpec
from ctt_net.cohort.words import matched

# The recorded text and the float beside it may differ by the rounding of a table, not by a letter.
AGREEMENT_LOGMAR = 0.006

_DIGIT = re.compile("[0-9]")


def says_missing(texts: pd.Series) -> pd.Series:
    """Where a column is empty or holds a word for missing."""
    # No word for missing holds a digit, and of a hundred thousand ids nearly all do.
    words = (text for text in texts.unique() if _DIGIT.search(text) is None)
    return texts.isin([text for text in words if is_missing(text)])


def add_acuities(table: pd.DataFrame, spec: CohortSpec) -> tuple[pd.DataFrame, list[Problem]]:
    """Fill `<time>_logmar` and `<time>_off_chart` from `<time>_va`, and check those that stand.

    `BOUND_COLUMNS` are there if an outcome is known within bounds only.

    Args:
        table: Manifest as text, indexed by row number.
        spec: Gives the notation of each column and the off-chart policy.

    Returns:
        The table with float and off-chart columns, and the problems.
    """
    table = table.copy()
    problems: list[Problem] = []
    for time in ("preop", "postop"):
        column = f"{time}_va"
        logmar, off_chart, bounds, found = _read_acuities(table[column], spec)
        problems += found
        unreadable = {problem.row for problem in found}
        readable = ~table.index.isin(list(unreadable))
        given = table[readable]
        problems += _logmar_disagreements(given, f"{time}_logmar", column, logmar[readable], spec)
        problems += _off_chart_disagreements(given, time, off_chart[readable])
        table[f"{time}_logmar"] = logmar
        table[f"{time}_off_chart"] = off_chart
    # Of the outcomes, which are read last.
    for name, bound in zip(BOUND_COLUMNS, bounds, strict=True):
        problems += _logmar_disagreements(given, name, column, bound[readable], spec)
        table[name] = bound
    if bounds[0].equals(bounds[1]):
        table = table.drop(columns=list(BOUND_COLUMNS))
    return table, problems


_UNKNOWN = (np.nan, "", np.nan, np.nan)


def _read_acuities(
    texts: pd.Series, spec: CohortSpec
) -> tuple[pd.Series, pd.Series, tuple[pd.Series, pd.Series], list[Problem]]:
    """One column: logMAR (NaN = no such number), off-chart word (empty = on the chart), bounds.

    Bounds are NaN where they are open.
    """
    column = str(texts.name)
    read: dict[str, tuple[float, str, float, float]] = {}
    wrong: dict[str, str] = {}
    for text in texts.unique():  # charts have few lines: read each text once
        try:
            read[text] = _UNKNOWN if is_missing(text) else _read_acuity(text, column, spec)
        except AcuityError as error:
            read[text] = _UNKNOWN
            wrong[text] = str(error)
    problems = [
        Problem(wrong[text], row=row, column=column)
        for row, text in texts[texts.isin(list(wrong))].items()
    ]
    logmar, lower, upper = (
        texts.map({text: one[part] for text, one in read.items()}).astype(float)
        for part in (0, 2, 3)
    )
    words = texts.map(lambda text: read[text][1]).astype(object)
    return logmar, words, (lower, upper), problems


def _read_acuity(text: str, column: str, spec: CohortSpec) -> tuple[float, str, float, float]:
    """Acuity, off-chart word and bounds of one cell.

    Raises:
        AcuityError: If it cannot be read.
    """
    notation, policy = spec.notation[column], spec.acuity
    bounds = parse_va_bounds(text, notation)
    if bounds is not None:
        if column != "postop_va":
            raise AcuityError(
                f"{text!r} is a range, and an acuity before surgery is an input and needs one "
                f"number; write the acuity that was measured, or leave the cell empty if unknown"
            )
        lower, upper = (bound if np.isfinite(bound) else np.nan for bound in bounds)
        return np.nan, "", lower, upper
    acuity = parse_va(text, notation, policy.off_chart_policy)
    beyond = policy.off_chart_outcomes_from
    if column == "postop_va" and acuity.off_chart and beyond is not None:
        return np.nan, acuity.off_chart, beyond, np.nan
    return acuity.logmar, acuity.off_chart or "", acuity.logmar, acuity.logmar


def _logmar_disagreements(
    table: pd.DataFrame, name: str, column: str, logmar: pd.Series, spec: CohortSpec
) -> list[Problem]:
    """Where a logMAR column stands in the file already, it must say what the text says."""
    if name not in table:
        return []
    given, problems = read_numbers(table[name], name)
    wrong = given.notna() & ~((given - logmar).abs() <= AGREEMENT_LOGMAR)
    columns = (table.index[wrong], given[wrong], table.loc[wrong, column], logmar[wrong])
    for row, number, text, expected in zip(*columns, strict=True):
        unknown = "unknown" if is_missing(text) else "not one number"
        meaning = unknown if np.isnan(expected) else f"{expected:.3f} logMAR"
        problems.append(
            Problem(
                f"{number:g} does not agree with {column} {text!r}, which as "
                f"{spec.notation[column]} (off-chart policy {spec.acuity.off_chart_policy}) is "
                f"{meaning}; correct one of them or cohort.yaml, or empty {name}: it is filled "
                f"from the text",
                row=row,
                column=name,
            )
        )
    return problems


def _off_chart_disagreements(table: pd.DataFrame, time: str, off_chart: pd.Series) -> list[Problem]:
    name, column = f"{time}_off_chart", f"{time}_va"
    if name not in table:
        return []
    given = table[name].astype(str).str.strip()
    wrong = (given != off_chart) & ~says_missing(given)
    columns = (table.index[wrong], given[wrong], table.loc[wrong, column], off_chart[wrong])
    return [
        Problem(
            f"{word!r} does not agree with {column} {text!r}, which is "
            f"{expected or 'not off the chart'}; correct one of them, or empty {name}: it is "
            f"filled from the text",
            row=row,
            column=name,
        )
        for row, word, text, expected in zip(*columns, strict=True)
    ]


def read_numbers(
    texts: pd.Series, column: str, missing: Iterable[str] = ()
) -> tuple[pd.Series, list[Problem]]:
    """Read a column of numbers; empty, missing words and the given sentinels become NaN.

    Args:
        texts: Column as text, indexed by row number.
        column: Its name, for the problems.
        missing: Sentinels; numeric ones also in another spelling (`-9` means `-9.0` too).
    """
    stripped = texts.astype(str).str.strip()
    unknown = says_missing(stripped) | matched(stripped, missing).notna()
    numbers = pd.to_numeric(stripped.where(~unknown), errors="coerce").astype(float)
    sentinels = pd.to_numeric(pd.Series(list(missing), dtype=object), errors="coerce").dropna()
    unknown |= numbers.isin(sentinels.astype(float))
    bad = ~unknown & ~np.isfinite(numbers)
    problems = [
        Problem(
            f"{text!r} is no number; write it like 63.5, or leave it empty if unknown",
            row=row,
            column=column,
        )
        for row, text in texts[bad].items()
    ]
    return numbers.mask(bad | unknown), problems


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
            cells = texts.to_dict()
            problems = [
                replace(
                    problem,
                    message=f"{cells[problem.row]!r} is not 0 or 1; write it so, or leave it empty "
                    f'if unknown (a mapping can do it: recode: {{"no": 0, "yes": 1}})',
                )
                for problem in problems
            ]
        low, high, _ = possible_range(column, covariate)
        binary = covariate.kind == "binary"
        possible = numbers.isin([0.0, 1.0]) if binary else numbers.between(low, high)
        advice = f"if it means unknown, declare it under covariates.{column}.missing in cohort.yaml"
        if not binary:
            advice += f"; if it is right, covariates.{column}.range: [lowest, highest]"
        problems += [
            Problem(
                f"{impossible_value(column, covariate, number)}; correct it; {advice}",
                row=row,
                column=column,
                code="" if binary else "covariate-impossible",
            )
            for row, number in numbers[numbers.notna() & ~possible].items()
        ]
        return numbers, problems
    stripped = texts.astype(str).str.strip()
    # A declared level wins over the words for missing: "none" may be a level of diabetes.
    levels = matched(stripped, covariate.levels)
    known = levels.notna()
    unknown = ~known & (says_missing(stripped) | matched(stripped, covariate.missing).notna())
    problems = [
        Problem(
            f"{value!r} is none of the declared levels {', '.join(covariate.levels)}; correct it, "
            f"or add it to covariates.{column}.levels in cohort.yaml",
            row=row,
            column=column,
        )
        for row, value in stripped[~known & ~unknown].items()
    ]
    return levels.where(known, np.nan), problems
