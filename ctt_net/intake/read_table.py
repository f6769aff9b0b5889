"""The user's own table, CSV, XLSX or Parquet, as text: every cell as the person sees it."""

from pathlib import Path

import pandas as pd

from ctt_net.cohort.csv_lines import csv_lines
from ctt_net.errors import InputError, install_extra
from ctt_net.intake.cell_text import blanked, cell_text
from ctt_net.intake.cells import require_columns
from ctt_net.intake.grid import grid_table
from ctt_net.intake.table_source import TableSource
from ctt_net.intake.workbook import read_sheet

# A spreadsheet program stops at a million rows; more than this is another kind of file.
MAX_TABLE_BYTES = 512 * 2**20
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}


def read_table(source: TableSource, folder: Path) -> tuple[Path, pd.DataFrame]:
    """Read the table of a mapping; sentinels for missing become blank, gaps are filled as asked.

    Args:
        source: What the mapping says of it.
        folder: What its path is relative to.

    Returns:
        Its path, and its cells as text, indexed by row number.

    Raises:
        InputError: If the file is missing, of another kind, or holds no table.
    """
    path = folder / source.file
    _refuse(path)
    kind = path.suffix.lower()
    if kind == ".xlsx":
        table = grid_table(read_sheet(path, source.sheet), source.header_row, path)
    elif kind == ".parquet":
        table = _read_parquet(path)
    elif kind in (".csv", ".tsv", ".txt"):
        table = grid_table(_read_csv(path, source), source.header_row, path)
    else:
        cure = (
            "save it as .xlsx" if kind in (".xls", ".xlsm", ".ods") else "give CSV, XLSX, Parquet"
        )
        raise InputError(f"{path}: a table of kind {kind or 'without suffix'!r}; {cure}")
    require_columns(table, [(column, "table.fill_down") for column in source.fill_down], path)
    for column in source.fill_down:  # before anything is blanked: unknown is not the one above
        table[column] = table[column].where(table[column] != "").ffill().fillna("")
    if source.missing:
        table = table.apply(blanked, sentinels=source.missing)
    return path, table


def _refuse(path: Path) -> None:
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


def _read_csv(path: Path, source: TableSource) -> list[list[str]]:
    try:
        text = path.read_bytes().decode(source.encoding)
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
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    lines = csv_lines(text, path, source.separator)
    header = lines[max(source.header_row, 1) - 1 :][:1]
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
    return grid_table([[str(name) for name in table.columns], *lines], 1, path)
