"""Read a CSV a person saved from a spreadsheet: text as it stands, row numbers as they see them."""

import csv
import io
from pathlib import Path

import pandas as pd

from ctt_net.cohort.problem import HEADER_ROW, CohortError, Problem
from ctt_net.errors import InputError
from ctt_net.io.formula import GUARD, unescape_formula
from ctt_net.io.read_text import read_text

FLOW_FILE = "flow.csv"

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
    lines = csv_lines(text, path)
    if not lines or not lines[0]:
        raise InputError(f"{path}: empty; expected a header line in row 1")
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


def csv_lines(text: str, path: Path, separator: str = ",") -> list[list[str]]:
    """Split a text into rows of cells, strictly: no NUL, no open quotation mark, no row cut short.

    Args:
        text: Of the file.
        path: What to call it in errors.
        separator: One character.

    Raises:
        InputError: Naming the row that is no CSV.
    """
    if "\x00" in text:
        raise InputError(f"{path}: holds NUL bytes, so it is no CSV text; export it as 'CSV UTF-8'")
    lines: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        lines.extend(reader)
    except csv.Error as error:
        raise InputError(
            f"{path}, row {len(lines) + 1}: no valid CSV ({error}); look for a quotation mark that "
            f"is not closed"
        ) from None
    if text[-1:] not in ("\n", "\r") and len(lines) > 1 and len(lines[-1]) < len(lines[-2]):
        raise InputError(
            f"{path}, row {len(lines)}: the file ends within this row, so it was cut short; export "
            f"or copy it again"
        )
    return lines


def read_flow(root: Path) -> tuple[tuple[str, ...], ...]:
    """`flow.csv` of a cohort folder: rows in, eyes out, and every reason between.

    Args:
        root: Cohort folder.

    Returns:
        Header and steps as text, in the columns the recipe chose; nothing where there is no such
        file or it is no table.
    """
    path = root / FLOW_FILE
    try:
        flow = read_manifest_text(path) if path.is_file() else None
    except InputError:
        return ()
    if flow is None:
        return ()
    return (tuple(map(str, flow.columns)), *(tuple(map(str, row)) for row in flow.to_numpy()))
