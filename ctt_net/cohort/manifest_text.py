"""Read a CSV a person saved from a spreadsheet: text as it stands, row numbers as they see them."""

from pathlib import Path

import pandas as pd

from ctt_net.cohort.csv_lines import csv_lines
from ctt_net.cohort.problem import HEADER_ROW, CohortError, Problem
from ctt_net.errors import InputError
from ctt_net.io.formula import GUARD, unescape_formula
from ctt_net.io.read_text import read_text

# Excel writes the separator of the region: in most of Europe not a comma.
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_manifest_text(path: Path, by_program: bool = False) -> pd.DataFrame:
    """Read the CSV as text, nothing interpreted.

    Args:
        path: `manifest.csv`, or another table of the folder.
        by_program: No spreadsheet adds empty cells to it or takes the last line end from it.

    Returns:
        One row per filled row of the file, indexed by its number in a spreadsheet (header = 1).

    Raises:
        InputError: If the file is missing, not UTF-8, empty, not separated by commas, or its rows
            are ragged.
    """
    return parse_manifest_text(read_text(path), path, by_program)


def parse_manifest_text(text: str, path: Path, by_program: bool = False) -> pd.DataFrame:
    """`read_manifest_text` of a text that is not in a file yet.

    Args:
        text: The CSV.
        path: What to call it in errors.
        by_program: As in `read_manifest_text`.

    Raises:
        InputError: As `read_manifest_text`.
    """
    lines = _lines(text, path)
    header = [unescape_formula(name.strip()) for name in lines[0]]
    while header and not header[-1] and not any(_filled(line, len(header) - 1) for line in lines):
        header.pop()  # spreadsheets write columns that were once touched
    if len(header) <= 1:
        for sign, name in _OTHER_SEPARATORS.items():
            if sign in lines[0][0]:
                raise InputError(
                    f"{path}: the columns are separated by {name}, expected commas; save it again "
                    f"with ',' between the columns (LibreOffice asks for it, Excel takes the list "
                    f"separator of the system's region settings)"
                )
    width = len(header)
    if not any(header):
        raise InputError(f"{path}: empty; expected a header line")
    if not all(header):
        raise InputError(f"{path}: column {header.index('') + 1} has no name; name it in row 1")
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise InputError(f"{path}: column {repeated[0]!r} stands twice; keep one")
    rows = {
        number: line if by_program or any(line[width:]) else line[:width]
        for number, line in enumerate(lines[1:], HEADER_ROW + 1)
        if "".join(line).strip()
    }
    ragged = [
        Problem(
            f"{len(line)} cells where the header has {width}; quote a cell that holds a comma",
            row=number,
        )
        for number, line in rows.items()
        if len(line) != width
    ]
    if ragged:
        raise CohortError(path, ragged)
    if by_program and text[-1:] != "\n":
        raise InputError(
            f"{path}: the last row has no line end, so the file may be cut short; copy it again, "
            f"or end the row"
        )
    if not rows:
        raise InputError(f"{path}: no rows below the header")
    cells = list(rows.values())
    if GUARD in text:
        cells = [[unescape_formula(c) if c[:1] == GUARD else c for c in line] for line in cells]
    return pd.DataFrame(cells, columns=header, index=list(rows), dtype=object)


def _filled(line: list[str], position: int) -> bool:
    return len(line) > position and bool(line[position].strip())


def _lines(text: str, path: Path) -> list[list[str]]:
    lines = csv_lines(text, path)
    if not lines or not lines[0]:
        raise InputError(f"{path}: empty; expected a header line in row 1")
    return lines
