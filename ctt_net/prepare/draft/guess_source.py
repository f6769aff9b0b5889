"""How a table is to be read: encoding and separator of a CSV, sheet, row of the names."""

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from openpyxl import load_workbook

from ctt_net.errors import InputError
from ctt_net.prepare.mapping.table_source import TableSource
from ctt_net.prepare.tables.cells import decimal_commas
from ctt_net.prepare.tables.read_table import MAX_TABLE_BYTES, read_table
from ctt_net.prepare.tables.workbook import MAX_UNPACKED_BYTES, read_sheet

_SEPARATORS = ",;\t|"
_ROWS_LOOKED_AT = 200
_ROWS_ABOVE_HEADER = 20
_DATA = re.compile(r"[-+<>]?[0-9.,/:\-]+|20/[0-9]+.*|od|os|nan|na|null", re.IGNORECASE)
_HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
# GB 2312: signs, then Chinese characters; two bytes each.
_CHINESE_PAIRS = re.compile(rb"(?:[\xa1-\xa9\xb0-\xf7][\xa1-\xfe])+")


@dataclass(frozen=True)
class SourceGuess:
    """A table and how it was read.

    Args:
        source: The `table` section.
        table: Its cells as text, indexed by row number.
        notes: Key of the section to what was guessed, and from what.
    """

    source: TableSource
    table: pd.DataFrame
    notes: dict[str, str]


def guess_source(path: Path) -> SourceGuess:
    """Find out how to read a table, and read it.

    Raises:
        InputError: If there is no table to be read.
    """
    notes: dict[str, str] = {}
    kind = path.suffix.lower()
    keys: dict[str, str] = {}
    if kind in (".csv", ".tsv", ".txt") and _is_readable(path):
        data = path.read_bytes()
        keys["encoding"], notes["encoding"] = guess_encoding(data, path)
        text = data.decode(keys["encoding"])
        keys["separator"] = guess_separator(text)
        notes["separator"] = "the sign that cuts the rows most evenly"
        lines = _first_lines(text, keys["separator"])
    elif kind == ".xlsx" and _is_readable(path):
        names = _sheet_names(path)
        sizes = {}
        for name in names[1:] and names:
            sizes[name] = sum(sum(map(bool, row)) for row in read_sheet(path, name).lines)
        if sizes:
            keys["sheet"] = max(sizes, key=lambda name: sizes[name])
            notes["sheet"] = f"the fullest of {len(names)} sheets; check that it is the right one"
        lines = read_sheet(path, keys.get("sheet")).lines[:_ROWS_LOOKED_AT]
    else:
        lines = []
    header_row = guess_header_row(lines)
    if header_row == 0:
        notes["header_row"] = (
            "no row of names found: columns are called A, B, C, ...; correct this if there is one"
        )
    elif header_row > 1:
        notes["header_row"] = "the rows above look like a title"
    source = TableSource(
        str(path),
        sheet=keys.get("sheet"),
        separator=keys.get("separator", ","),
        encoding=keys.get("encoding", "utf-8-sig"),
        header_row=header_row,
    )
    _, table = read_table(source, Path())
    commas = decimal_commas(table)
    if commas:
        notes["decimal"] = f"{commas} cells have a comma before their decimals"
        source = replace(source, decimal=",")
    return SourceGuess(source, table, notes)


def guess_encoding(data: bytes, path: Path) -> tuple[str, str]:
    """Encoding of a text, and why.

    Raises:
        InputError: If no usual encoding fits.
    """
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark) and _decodes(data, encoding):
            return encoding, "by its byte-order mark"
    if _decodes(data, "utf-8-sig"):
        marked = data.startswith(b"\xef\xbb\xbf")
        return "utf-8-sig", "with a byte-order mark" if marked else "all of it decodes"
    high = _HIGH_BYTES.findall(data)
    chinese = sum(len(run) for run in high if _CHINESE_PAIRS.fullmatch(run))
    pairs_share = chinese / sum(map(len, high))
    choices = ["gb18030", "cp1252"] if pairs_share > 0.8 else ["cp1252", "gb18030"]
    for encoding in choices:
        if _decodes(data, encoding):
            why = (
                "not utf-8, and its bytes come in pairs as in Chinese text"
                if encoding == "gb18030"
                else "not utf-8, and its odd bytes stand alone as in Western text"
            )
            return encoding, f"{why}; check that the names of the columns look right"
    raise InputError(f"{path}: neither utf-8 nor gb18030 nor cp1252 text; save it as UTF-8")


def guess_separator(text: str) -> str:
    """The sign that cuts most of the first rows into the same number of cells."""
    best, best_score = ",", 0.0
    for sign in _SEPARATORS:
        widths = Counter(len(line) for line in _first_lines(text, sign) if any(line))
        if not widths:
            continue
        width, rows = max(widths.items(), key=lambda item: (item[1], item[0]))
        score = rows / sum(widths.values()) * (1 - 1 / width)
        if score > best_score + 1e-9:
            best, best_score = sign, score
    return best


def guess_header_row(lines: Sequence[Sequence[str]]) -> int:
    """Row of the names, counted from 1; 0 if the first full row looks like data.

    >>> guess_header_row([["Cataract list", ""], ["ID", "VA"], ["1", "0.5"]])
    2
    """
    filled = [sum(bool(cell.strip()) for cell in line) for line in lines]
    if not any(filled):
        return 1
    usual = Counter(n for n in filled if n).most_common(1)[0][0]
    for number, (line, n) in enumerate(zip(lines, filled, strict=True), start=1):
        if number > _ROWS_ABOVE_HEADER:
            break
        if n >= max(1, 0.6 * usual):
            cells = [cell.strip() for cell in line if cell.strip()]
            data = sum(_DATA.fullmatch(cell) is not None for cell in cells)
            return 0 if data > 0.4 * len(cells) and len(lines) > 1 else number
    return 1


def _first_lines(text: str, separator: str) -> list[list[str]]:
    lines: list[list[str]] = []
    try:
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            lines.append(line)
            if len(lines) >= _ROWS_LOOKED_AT:
                break
    except csv.Error:
        pass  # the engine's own reader says it with its row
    return lines


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeError:
        return False
    return True


def _is_readable(path: Path) -> bool:
    """Whether to look inside; if not, the engine's own reader says what is wrong."""
    try:
        with path.open("rb") as file:
            file.read(1)
        return path.stat().st_size <= MAX_TABLE_BYTES
    except (OSError, ValueError):
        return False


def _sheet_names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED_BYTES:
                return []
        book = load_workbook(path, read_only=True)
        names = [sheet.title for sheet in book.worksheets]
        book.close()
    except Exception:  # whatever it is, the engine's own reader says it
        return []
    return names
