"""The user's own table, CSV, XLSX or Parquet, as text: every cell as the person sees it."""

import codecs
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ctt_net.cohort.ids import spelling
from ctt_net.cohort.manifest_text import csv_lines
from ctt_net.cohort.words import matched
from ctt_net.errors import InputError, install_extra
from ctt_net.prepare.mapping.table_source import TableSource
from ctt_net.prepare.tables.cells import blanked, require_columns
from ctt_net.prepare.tables.grid import grid_table
from ctt_net.prepare.tables.unmatched import unmatched_remark
from ctt_net.prepare.tables.workbook import cell_text, read_sheet

# A spreadsheet program stops at a million rows; more than this is another kind of file.
MAX_TABLE_BYTES = 512 * 2**20
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}


# Facts on a table that go with it in `attrs`: hidden rows, and what a person should know.
HIDDEN, REMARKS = "hidden_rows", "remarks"


def read_table(
    source: TableSource, folder: Path, patient: str | None = None
) -> tuple[Path, pd.DataFrame]:
    """Read the table of a mapping; sentinels for missing become blank, gaps are filled as asked.

    Args:
        source: What the mapping says of it.
        folder: What its path is relative to.
        patient: Column of the patients, which no filled gap crosses.

    Returns:
        Its path, and its cells as text, indexed by row number.

    Raises:
        InputError: If the file is missing, of another kind, or holds no table.
    """
    path = folder / source.file
    _check_file(path)
    kind = path.suffix.lower()
    hidden: frozenset[int] = frozenset()
    remarks = []
    if kind == ".xlsx":
        sheet = read_sheet(path, source.sheet)
        hidden = sheet.hidden
        table = grid_table(sheet.lines, source.header_row, path)
    elif kind == ".parquet":
        table = _read_parquet(path)
    elif kind in (".csv", ".tsv", ".txt"):
        table = grid_table(_read_csv(path, source), source.header_row, path)
    else:
        fix = "save it as .xlsx" if kind in (".xls", ".xlsm", ".ods") else "give CSV, XLSX, Parquet"
        raise InputError(f"{path}: a table of kind {kind or 'without suffix'!r}; {fix}")
    require_columns(table, [(column, "table.fill_down") for column in source.fill_down], path)
    if source.fill_down:  # before anything is blanked: unknown is not the one above
        remarks += _fill_down(table, source.fill_down, patient)
    if source.missing:
        held = {word for name in table for word in matched(table[name], source.missing).dropna()}
        remarks += unmatched_remark("table.missing", set(source.missing) - held)
        table = table.apply(blanked, sentinels=source.missing)
    # Set last: not every operation of pandas keeps them.
    table.attrs = {HIDDEN: sorted(hidden.intersection(table.index)), REMARKS: remarks}
    return path, table


def _fill_down(table: pd.DataFrame, columns: Sequence[str], patient: str | None) -> list[str]:
    """Repeat cells downwards in place, never into the rows of another patient.

    Returns:
        Which columns were left blank at a new patient, in words.
    """
    gaps = table[list(columns)].mask(table[list(columns)] == "")
    if patient is None or patient not in table:
        table[list(columns)] = gaps.ffill().fillna("")
        return []
    if patient in columns:
        table[patient] = gaps[patient].ffill().fillna("")
    one = table[patient].map(spelling)
    filled = gaps.groupby((one != one.shift()).cumsum(), sort=False).ffill().fillna("")
    remarks = []
    for column in columns:
        if column == patient:
            continue
        table[column] = filled[column]
        crossing = table.index[(filled[column] == "") & gaps[column].ffill().notna()]
        if len(crossing):
            remarks.append(
                f"table.fill_down: {len(crossing)} blank cells of column {column} stay blank (row "
                f"{crossing[0]} is the first): the cell above is another patient's"
            )
    return remarks


def _check_file(path: Path) -> None:
    try:
        found = "" if path.is_file() else "a folder" if path.is_dir() else "no such file"
        size = 0 if found else path.stat().st_size
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    if found:
        raise InputError(f"{path}: {found}; correct table.file in the mapping")
    if size > MAX_TABLE_BYTES:
        raise InputError(
            f"{path}: {size >> 20} MB, more than any table of eyes; give a smaller one"
        )


def read_bytes(path: Path) -> bytes:
    """The bytes of a table of text.

    Raises:
        InputError: If it cannot be read, or is too large.
    """
    _check_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _read_csv(path: Path, source: TableSource) -> list[list[str]]:
    data = read_bytes(path)
    try:
        marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        if marked and not codecs.lookup(source.encoding).name.startswith("utf-16"):
            raise InputError(f"{path}: begins with the mark of UTF-16; say table.encoding: utf-16")
        text = data.decode(source.encoding).removeprefix("\ufeff")
    except LookupError:
        raise InputError(
            f"{path}: table.encoding {source.encoding!r} is unknown; utf-8, gb18030, cp1252 are "
            f"the usual ones"
        ) from None
    except UnicodeError:
        raise InputError(
            f"{path}: not {source.encoding.replace('-sig', '')} text; say table.encoding, such as "
            f"gb18030 (Chinese Windows) or cp1252 (Western Windows)"
        ) from None
    lines = csv_lines(text, path, source.separator)
    header = lines[max(source.header_row[-1], 1) - 1 :][:1]
    if header and len(header[0]) == 1:
        for sign, name in _SEPARATORS.items():
            if sign != source.separator and sign in header[0][0]:
                raise InputError(
                    f"{path}: the columns seem to be separated by {name}; say "
                    f'table.separator: "{sign if sign != chr(9) else chr(92) + "t"}" in the mapping'
                )
    return lines


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except ImportError:
        raise InputError(
            f"{path}: reading Parquet needs pyarrow; {install_extra('formats')}"
        ) from None
    except Exception as error:  # pyarrow's own classes, which differ between versions
        raise InputError(f"{path}: not a readable Parquet file: {error}") from None
    lines = table.astype(object).map(cell_text).to_numpy().tolist()
    return grid_table([[str(name) for name in table.columns], *lines], (1,), path)
