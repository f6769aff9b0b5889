"""A grid of cells, as any spreadsheet gives it, to a table of text with the spreadsheet's rows."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate, zip_longest
from pathlib import Path

import pandas as pd

from ctt_net.cohort import CohortError, Problem
from ctt_net.errors import InputError

# A name typed on two lines of a cell is one name.
_LINE_BREAKS = re.compile(r"\s*[\r\n\t]+\s*")


def grid_table(
    lines: Iterable[Sequence[str]], header_rows: Sequence[int], path: Path
) -> pd.DataFrame:
    """Name the columns, drop what is blank, keep the row numbers.

    A column without a name, or with a name that stands twice, gets the spreadsheet's letter behind
    it, so that it can still be asked for and never is by mistake.

    Args:
        lines: Rows of cells as text, the file's first row first.
        header_rows: Rows of the names, counted from 1; (0,) = none.
        path: What to call the file in errors.

    Returns:
        Text, cells stripped, indexed by row number.

    Raises:
        InputError: If there is no header, one too narrow, or no row below it.
        CohortError: If a row has cells beyond the header.
    """
    header_row, numbered = header_rows[-1], enumerate(lines, start=1)
    header: list[str] = []
    if header_row:
        upper: list[str] = []
        for number, line in numbered:
            header = [_LINE_BREAKS.sub(" ", cell).strip() for cell in line]
            if number == header_row:
                header = _joined(upper, header)
                break
            if number >= header_rows[0]:
                upper = _joined(upper, accumulate(header, lambda left, cell: cell or left))
    rows, numbers = [], []
    for number, line in numbered:
        cells = [cell.strip() for cell in line]
        if any(cells):
            rows.append(cells)
            numbers.append(number)
    if header_row and not any(header):
        raise InputError(f"{path}: row {header_row} is blank; expected the names of the columns")
    if not rows:
        raise InputError(f"{path}: no rows below the header; is it the right table?")
    if not header_row:
        header = [""] * max(map(len, rows))
    while header_row and not header[-1] and not any(any(row[len(header) - 1 :]) for row in rows):
        header.pop()
    width = len(header)
    ragged = [
        Problem(f"{len(row)} cells where the header has {width}; look for a stray separator", row=n)
        for n, row in zip(numbers, rows, strict=True)
        if any(row[width:])
    ]
    if len(ragged) > len(rows) / 2:
        raise InputError(
            f"{path}: row {header_row}, taken for the names of the columns, is narrower than "
            f"{len(ragged)} of {len(rows)} rows below it; if it is a title, say in "
            f"table.header_row which row holds the names"
        )
    if ragged:
        raise CohortError(path, ragged)
    names = _names(header, bool(header_row))
    again = next((name for name, count in Counter(names).items() if count > 1), None)
    if again is not None:
        raise InputError(f"{path}: two columns would be called {again!r}; rename one of them")
    filled_up = [row[:width] + [""] * (width - len(row)) for row in rows]
    index = pd.Index(numbers, name="row")
    return pd.DataFrame(filled_up, columns=names, index=index, dtype=object)


def _joined(upper: Iterable[str], lower: Iterable[str]) -> list[str]:
    pairs = zip_longest(upper, lower, fillvalue="")
    return [f"{above} {below}".strip() for above, below in pairs]


def _names(header: list[str], named: bool) -> list[str]:
    if not named:
        return [letters(position) for position in range(len(header))]
    count = Counter(header)
    return [
        name if name and count[name] == 1 else f"{name} ({letters(position)})".strip()
        for position, name in enumerate(header)
    ]


def letters(position: int) -> str:
    """A spreadsheet's name of a column.

    >>> [letters(0), letters(25), letters(26)]
    ['A', 'Z', 'AA']
    """
    name = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
