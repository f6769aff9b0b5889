"""Read a CSV a person saved from a spreadsheet: text as it stands, row numbers as they see them."""

import stat
from pathlib import Path

import pandas as pd

from ctt_net.cohort.csv_lines import csv_lines
from ctt_net.cohort.problem import HEADER_ROW, CohortError, Problem
from ctt_net.errors import InputError
from ctt_net.formula import GUARD, restored

# Room for a million eyes; what is larger would fill the memory before it could be refused.
MAX_BYTES = 512_000_000

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
    return parse_manifest_text(manifest_contents(path), path)


def parse_manifest_text(text: str, path: Path) -> pd.DataFrame:
    """`read_manifest_text` of a text that is not in a file yet.

    Args:
        text: The CSV.
        path: What to call it in errors.

    Raises:
        InputError: As `read_manifest_text`.
    """
    lines = _lines(text, path)
    header = [restored(name.strip()) for name in lines[0]]
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
    cells = list(rows.values())
    if GUARD in text:
        cells = [[restored(c) if c[:1] == GUARD else c for c in line] for line in cells]
    return pd.DataFrame(cells, columns=header, index=list(rows), dtype=object)


def _filled(line: list[str], position: int) -> bool:
    return len(line) > position and bool(line[position].strip())


def manifest_contents(path: Path) -> str:
    """The text of a table's file.

    Raises:
        InputError: If it is missing, no file, too large or not UTF-8.
    """
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise InputError(f"{path}: cannot be read: it is no file; a table is a CSV file")
        if facts.st_size > MAX_BYTES:
            raise InputError(
                f"{path}: {facts.st_size / 1e6:.0f} MB, at most {MAX_BYTES / 1e6:.0f} MB are read; "
                f"a row of a cohort has some hundred letters, so this is another file"
            )
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; a cohort folder holds cohort.yaml, manifest.csv and the scans"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; export it as 'CSV UTF-8'") from None


def _lines(text: str, path: Path) -> list[list[str]]:
    lines = csv_lines(text, path)
    if not lines or not lines[0]:
        raise InputError(f"{path}: empty; expected a header line in row 1")
    return lines
