"""Read a CSV a person saved from a spreadsheet: text as it stands, row numbers as they see them."""

import csv
import io
from pathlib import Path

import pandas as pd

from ctt_net.cohort.problem import HEADER_ROW, CohortError, Problem
from ctt_net.errors import InputError

# Excel writes the separator of the region: in most of Europe not a comma.
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_manifest_text(path: Path) -> pd.DataFrame:
    """Read the CSV as text, nothing interpreted.

    Args:
        path: `manifest.csv`, or another table of the folder.

    Returns:
        One row per filled row of the file, indexed by its number in a spreadsheet (header = 1).

    Raises:
        InputError: If the file is missing, not UTF-8, empty, not separated by commas, or its rows
            are ragged.
    """
    lines = _lines(_text(path), path)
    header = [name.strip() for name in lines[0]]
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
        number: line[:width] if not any(line[width:]) else line
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
    if not rows:
        raise InputError(f"{path}: no rows below the header")
    return pd.DataFrame(list(rows.values()), columns=header, index=list(rows), dtype=object)


def _filled(line: list[str], position: int) -> bool:
    return len(line) > position and bool(line[position].strip())


def _text(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; a cohort folder holds cohort.yaml, manifest.csv and the scans"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; export it as 'CSV UTF-8'") from None
    if "\x00" in text:
        raise InputError(f"{path}: holds NUL bytes, so it is no CSV text; export it as 'CSV UTF-8'")
    return text


def _lines(text: str, path: Path) -> list[list[str]]:
    lines: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines.extend(reader)
    except csv.Error as error:
        raise InputError(
            f"{path}, row {len(lines) + 1}: no valid CSV ({error}); look for a quotation mark that "
            f"is not closed"
        ) from None
    if not lines or not lines[0]:
        raise InputError(f"{path}: empty; expected a header line in row 1")
    return lines
