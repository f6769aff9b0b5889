"""Whether the values of an acuity column fit another notation than the declared one."""

import numpy as np
import pandas as pd

from ctt_net.check.finding import Check, Finding
from ctt_net.cohort import Cohort


def recorded_numbers(cohort: Cohort, column: str) -> pd.Series:
    """Numbers of an acuity column that could be read as declared; fractions and words are none.

    Args:
        cohort: Its table holds what each cell was read as.
        column: `preop_va` or `postop_va`.

    Returns:
        Floats, indexed like the table.
    """
    table, time = cohort.table, column.removesuffix("_va")
    read = table[f"{time}_logmar"].notna() & (table[f"{time}_off_chart"] == "")
    texts = table[column][read]
    plain = pd.Series(texts.unique(), dtype=object)  # charts have few lines: read each text once
    numbers = pd.to_numeric(plain.str.replace(",", ".", regex=False), errors="coerce")
    return texts.map(dict(zip(plain, numbers, strict=True))).astype(float).dropna()


NOTATION = Check(
    "va-notation",
    "Values fit another acuity notation",
    "0.5 is 0.30 logMAR in decimal and 0.50 in logMAR; read in the wrong notation every value "
    "is wrong and none is conspicuous",
    "ask who recorded the column, and declare its notation in cohort.yaml",
)

# Lines that charts print in decimals; a letter-scored logMAR falls between them.
_DECIMALS = (
    *(0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.12, 0.125, 0.13, 0.15, 0.16),
    *(0.17, 0.2, 0.25, 0.3, 0.32, 0.33, 0.4, 0.5, 0.6, 0.63, 0.66, 0.67, 0.7, 0.75, 0.8, 0.9),
    *(1.0, 1.2, 1.25, 1.33, 1.5, 1.6, 2.0),
)
_LOGMAR_STEP = 0.02
_LINES_LOGMAR = 0.1
_TOLERANCE = 1e-6

# Values against the declared notation before a finding: their share, their number, and how many
# times those for it.
_SHARE, _VOTES, _TIMES = 0.15, 10, 4
_LETTERS_OF_NO_CHART = 6.0


def notation_findings(cohort: Cohort) -> list[Finding]:
    """Columns whose values lie on the scale of another notation."""
    found = []
    both = cohort.spec.notation
    if {both["preop_va"], both["postop_va"]} == {"decimal", "logmar"}:
        message = (
            f"preop_va is declared as {both['preop_va']} and postop_va as {both['postop_va']}: few "
            f"clinics use both"
        )
        found.append(NOTATION.found("warning", message, column="preop_va"))
    for column in ("preop_va", "postop_va"):
        declared = cohort.spec.notation[column]
        numbers = recorded_numbers(cohort, column)
        if declared in ("decimal", "logmar"):
            found += _decimal_or_logmar(numbers, column, declared, cohort)
        elif declared == "etdrs" and len(numbers) >= _VOTES:
            middle = numbers.median()
            if middle < _LETTERS_OF_NO_CHART:
                message = (
                    f"declared as etdrs letters, but half of the {len(numbers)} values are at "
                    f"most {middle:g}, as in logmar, decimal or five_mark"
                )
                found.append(NOTATION.found("warning", message, column=column))
    return found


def _decimal_or_logmar(
    numbers: pd.Series, column: str, declared: str, cohort: Cohort
) -> list[Finding]:
    values, place = np.unique(numbers.to_numpy(float), return_inverse=True)
    printed = np.isclose(values[:, None], _DECIMALS, atol=_TOLERANCE).any(axis=1)
    letters = _multiple(values, _LOGMAR_STEP) | _multiple(values, _LINES_LOGMAR)
    for_logmar, for_decimal = (letters & ~printed)[place], (printed & ~letters)[place]
    against, agreeing, other = (
        (for_logmar, for_decimal, "logmar")
        if declared == "decimal"
        else (for_decimal, for_logmar, "decimal")
    )
    votes = int(against.sum())
    if votes < max(_VOTES, _SHARE * len(numbers)) or votes < _TIMES * agreeing.sum():
        return []
    examples = ", ".join(f"{value:g}" for value in np.unique(numbers[against])[:5])
    message = (
        f"declared as {declared}, but {votes} of {len(numbers)} values ({examples}, ...) are usual "
        f"in {other} and unusual in {declared}; {int(agreeing.sum())} are the other way round"
    )
    rows = [cohort.rows[position] for position in numbers.index[against]]
    return [NOTATION.found("warning", message, rows, column)]


def _multiple(values: np.ndarray, step: float) -> np.ndarray:
    return np.abs(values / step - np.rint(values / step)) < _TOLERANCE / step
