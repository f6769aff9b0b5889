"""A sheet of an XLSX workbook as text; what would be read wrongly in silence is refused."""

import datetime
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell

from ctt_net.errors import InputError

# A workbook is a ZIP archive; unpacked, a million rows of thirty cells take less than this.
MAX_UNPACKED_BYTES = 2**30
_COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1")  # MS-CFB, 2.2: encrypted workbooks and .xls
_FORMULA = re.compile(rb"<f[ />]")
_STRICT = b"http://purl.oclc.org/ooxml/"
_ROW = re.compile(rb"<(?:[a-z]+:)?row\b([^>]*)>")
_ROW_NUMBER = re.compile(rb"\br=[\"']([0-9]+)[\"']")
_HIDDEN = re.compile(rb"\bhidden=[\"'](?:1|true)[\"']")


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook.

    Args:
        lines: Its cells as text, row by row.
        hidden: Rows that a person does not see, by a filter or by hand, counted from 1.
    """

    lines: list[list[str]]
    hidden: frozenset[int]


def read_sheet(path: Path, sheet: str | None) -> Sheet:
    """Cells row by row: numbers in full, ids with the zeros their format shows, dates as ISO.

    Args:
        path: XLSX file.
        sheet: Its name, None = the only one.

    Raises:
        InputError: If it is no workbook, the sheet is not there, or a formula has no value.
    """
    book = _open(path)
    try:
        names = [s.title for s in book.worksheets]
        if sheet is None and len(names) != 1:
            raise InputError(f"{path}: has the sheets {', '.join(names)}; say which in table.sheet")
        if sheet is not None and sheet not in names:
            raise InputError(f"{path}: no sheet {sheet!r}; there are {', '.join(names)}")
        page = book[sheet or names[0]]
        with page._get_source() as source:  # openpyxl itself forgets it where it reads row by row
            hidden = _hidden_rows(source.read())
        page.reset_dimensions()  # some programs write a size of A1 whatever is in the sheet
        lines, no_text = [], set()
        for row in page.iter_rows():
            lines.append([_text(cell) for cell in row])
            # A formula whose result is a text of no letters: calculated, and blank.
            no_text |= {
                (len(lines), at)
                for at, cell in enumerate(row)
                if cell.value is None and cell.data_type == "str"
            }
    except InputError:
        raise
    except Exception as error:  # a damaged sheet fails only when its rows are read
        raise InputError(f"{path}: a damaged workbook ({error}); save it anew") from None
    finally:
        book.close()
    _check_formulas(path, sheet or names[0], lines, no_text)
    return Sheet(lines, hidden)


def sheet_names(path: Path) -> list[str]:
    """Names of the sheets of a workbook.

    Raises:
        InputError: If it is no workbook.
    """
    book = _open(path)
    book.close()
    return [sheet.title for sheet in book.worksheets]


def _open(path: Path) -> Workbook:
    """A workbook for reading row by row, of a kind and a size that can be read."""
    if path.name.startswith("~$"):
        raise InputError(
            f"{path}: only the mark that {path.name[2:]} is open somewhere; name that file"
        )
    try:
        with path.open("rb") as file:
            start = file.read(8)
        if start == _COMPOUND:
            raise InputError(
                f"{path}: not a readable XLSX workbook, but one with a password or in the old .xls "
                f"format; open it, take the password off, and save it anew as .xlsx"
            )
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > MAX_UNPACKED_BYTES:
                raise InputError(
                    f"{path}: unpacks to {unpacked >> 20} MB, more than any table of eyes"
                )
            name = "xl/workbook.xml"
            if name in archive.namelist() and _STRICT in archive.read(name):
                raise InputError(
                    f"{path}: a workbook in the format Strict Open XML; open it and save it as "
                    f"Excel workbook (.xlsx)"
                )
        return load_workbook(path, read_only=True, data_only=True)
    except InputError:
        raise
    except Exception as error:  # openpyxl raises what zipfile, expat and itself raise
        raise InputError(f"{path}: not a readable XLSX workbook ({error}); save it anew") from None


def _hidden_rows(xml: bytes) -> frozenset[int]:
    hidden, number = set(), 0
    for match in _ROW.finditer(xml):
        said = _ROW_NUMBER.search(match[1])
        number = int(said[1]) if said else number + 1
        if _HIDDEN.search(match[1]):
            hidden.add(number)
    return frozenset(hidden)


def _check_formulas(
    path: Path, sheet: str, lines: list[list[str]], no_text: set[tuple[int, int]]
) -> None:
    """A formula that was never calculated reads as blank: that must not pass for missing."""
    with zipfile.ZipFile(path) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        if not any(_FORMULA.search(archive.read(name)) for name in sheets):
            return
    book = load_workbook(path, read_only=True, data_only=False)
    try:
        page = book[sheet]
        page.reset_dimensions()
        for number, row in enumerate(page.iter_rows(), start=1):
            for position, cell in enumerate(row):
                if (
                    cell.data_type == "f"
                    and not lines[number - 1][position]
                    and (number, position) not in no_text
                ):
                    raise InputError(
                        f"{path}, row {number}, column {cell.column_letter}: a formula without a "
                        f"value; open the file in a spreadsheet program and save it, or paste the "
                        f"values"
                    )
    finally:
        book.close()


def _text(cell: Cell) -> str:
    is_number = isinstance(cell.value, int | float)
    return cell_text(cell.value, cell.number_format or "" if is_number else "")


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
