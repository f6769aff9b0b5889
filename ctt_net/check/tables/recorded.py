"""Acuities as plain numbers, the way they were written down."""

import pandas as pd

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
