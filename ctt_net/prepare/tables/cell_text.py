"""One cell as text, the same from a workbook as from Parquet."""

import datetime
from collections.abc import Iterable
from typing import Any

import pandas as pd

from ctt_net.cohort.words import matched


def cell_text(value: Any, number_format: str = "") -> str:
    """A value as a spreadsheet shows it: whole numbers in full, dates as ISO, blank = none.

    Args:
        value: Of any kind a table file holds.
        number_format: A format of zeros gives ids their leading zeros back.

    >>> cell_text(0.1 + 0.2), cell_text(17.0), cell_text(17, "00000"), cell_text(True)
    ('0.3', '17', '00017', 'TRUE')
    """
    if isinstance(value, str):
        return value
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return ""
    if hasattr(value, "item"):  # numpy's own numbers
        value = value.item()
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, int):
        return str(value).zfill(len(number_format)) if set(number_format) == {"0"} else str(value)
    if isinstance(value, float):
        return repr(float(f"{value:.15g}"))  # as the spreadsheet shows it, not 0.30000000000000004
    return str(value)


def blanked(cells: pd.Series, sentinels: Iterable[str]) -> pd.Series:
    """Cells with every sentinel turned into a blank."""
    return cells.mask(matched(cells, sentinels).notna(), "")
