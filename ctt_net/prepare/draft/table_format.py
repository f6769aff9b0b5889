"""How a table is to be read: encoding and separator of a CSV, sheet, rows of the names."""

import contextlib
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ctt_net.errors import InputError
from ctt_net.prepare.mapping.table_source import TableSource
from ctt_net.prepare.tables.cells import decimal_commas
from ctt_net.prepare.tables.read_table import read_bytes, read_table
from ctt_net.prepare.tables.workbook import read_sheet, sheet_names

_SEPARATORS = ",;\t|"
_ROWS_TRIED = 200
_ROWS_ABOVE_HEADER = 20
_HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
# GB 2312: signs, then Chinese characters; two bytes each.
_CHINESE_PAIRS = re.compile(rb"(?:[\xa1-\xa9\xb0-\xf7][\xa1-\xfe])+")


@dataclass(frozen=True)
class TableFormat:
    """A table and how it was read.

    Args:
        source: The `table` section.
        table: Its cells as text, indexed by row number.
        notes: Key of the section to the evidence for it.
    """

    source: TableSource
    table: pd.DataFrame
    notes: dict[str, str]


def detect_format(path: Path) -> TableFormat:
    """Find out how to read a table, and read it.

    Raises:
        InputError: If there is no table to be read.
    """
    source, notes = TableSource(file=str(path)), {}
    lines: list[list[str]] = []
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv", ".txt"):
        data = read_bytes(path)
        encoding = detect_encoding(data, path)
        notes["encoding"] = "guessed from the bytes; check the names of the columns"
        text = data.decode(encoding)
        separator = detect_separator(text)
        notes["separator"] = "cuts the rows most evenly"
        lines = _first_lines(text, separator)
        source = source.model_copy(update={"encoding": encoding, "separator": separator})
    elif kind == ".xlsx":
        sheets = {name: read_sheet(path, name).lines for name in sheet_names(path) or [""]}
        sheet = max(sheets, key=lambda name: sum(map(bool, itertools.chain(*sheets[name]))))
        lines = sheets[sheet][:_ROWS_TRIED]
        if len(sheets) > 1:
            notes["sheet"] = f"the fullest of {len(sheets)} sheets; check that it is the right one"
            source = source.model_copy(update={"sheet": sheet})
    header_row = detect_header(lines)
    if len(header_row) > 1:
        notes["header_row"] = f"names over {len(header_row)} rows; check them"
    elif header_row != (1,):
        notes["header_row"] = "the rows above look like a title"
    source = source.model_copy(update={"header_row": header_row})
    _, table = read_table(source, Path())
    commas = decimal_commas(table)
    if commas:
        notes["decimal"] = f"{commas} cells have a comma before their decimals"
        source = source.model_copy(update={"decimal": ","})
    return TableFormat(source, table, notes)


def detect_encoding(data: bytes, path: Path) -> str:
    """The first usual encoding that fits the bytes of a text.

    Raises:
        InputError: If none does.
    """
    high = _HIGH_BYTES.findall(data)
    chinese = sum(len(run) for run in high if _CHINESE_PAIRS.fullmatch(run))
    tried = ["utf-8-sig", "cp1252", "gb18030"]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        tried = ["utf-16"]
    elif chinese > 0.8 * sum(map(len, high)):
        tried = ["utf-8-sig", "gb18030", "cp1252"]
    for encoding in tried:
        with contextlib.suppress(UnicodeError):
            data.decode(encoding)
            return encoding
    raise InputError(f"{path}: neither utf-8 nor gb18030 nor cp1252 text; save it as UTF-8")


def detect_separator(text: str) -> str:
    """The sign that cuts most of the first rows into the same number of cells."""
    best, best_score = ",", 0.0
    for sign in _SEPARATORS:
        widths = Counter(len(line) for line in _first_lines(text, sign) if any(line))
        width, rows = max(widths.items(), key=lambda item: item[::-1], default=(1, 0))
        score = rows / max(1, widths.total()) * (1 - 1 / width)
        if score > best_score + 1e-9:
            best, best_score = sign, score
    return best


def detect_header(lines: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Rows of the names, counted from 1.

    Names fill two rows where some of the first row are blank or stand twice, and the second row
    holds no digit.

    >>> detect_header([["Cataract list", ""], ["ID", "VA"], ["1", "0.5"]])
    (2,)
    >>> detect_header([["ID", "Before", "", "Age"], ["", "OD", "OS", ""], ["1", "1.0", "0.5", "7"]])
    (1, 2)
    """
    rows = [[cell.strip() for cell in line] for line in lines]
    filled = [sum(map(bool, row)) for row in rows]
    usual = Counter(filter(None, filled)).most_common(1)
    for at, row in enumerate(rows[:_ROWS_ABOVE_HEADER] if usual else []):
        if at + 2 < len(rows) and _is_pair(row, rows[at + 1], rows[at + 2 : at + 12]):
            return at + 1, at + 2
        if filled[at] >= max(1, 0.6 * usual[0][0]):
            return (at + 1,)
    return (1,)


def _is_pair(upper: Sequence[str], lower: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a second row makes different names out of one that spans several columns."""
    spread = [cell or next(filter(None, upper[at::-1]), "") for at, cell in enumerate(upper)]
    names = list(itertools.zip_longest(spread, lower, fillvalue=""))
    spans = Counter(above for above, word in names if above and word)
    return (
        sum(map(bool, upper)) > 1  # one cell alone is a title
        and max(spans.values(), default=0) > 1
        and len(set(names)) == len(names)
        and not _with_digits(upper)
        and not _with_digits(lower)
        and all(_with_digits(row) > 1 for row in below if any(row))
        # A word of a row of data comes again, such as the side.
        and not any(a and a == b for row in below for a, b in zip(lower, row, strict=False))
    )


def _with_digits(row: Sequence[str]) -> int:
    return sum(any(sign.isdigit() for sign in cell) for cell in row)


def _first_lines(text: str, separator: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    lines: list[list[str]] = []
    with contextlib.suppress(csv.Error):  # the table's own reader says it with its row
        for line in itertools.islice(reader, _ROWS_TRIED):
            lines.append(line)
    return lines
