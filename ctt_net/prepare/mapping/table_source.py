"""Which table a mapping reads, and how its cells are to be taken."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from ctt_net.io.schema import Schema, Words, schema_error


def _text(given: Any) -> str:
    if not isinstance(given, str) or not given:
        raise schema_error(f"must be text in quotes, got {given!r}")
    return given


def _separator(given: Any) -> str:
    if not isinstance(given, str) or len(given) != 1 or given in '"\r\n':
        raise schema_error(
            f"must be one character, such as ';' or '\\t' in double quotes; got {given!r}"
        )
    return given


def _encoding(given: Any) -> str:
    is_utf8 = _text(given).lower().replace("_", "-") in ("utf-8", "utf8")
    return "utf-8-sig" if is_utf8 else given  # the same, and a byte-order mark does no harm


def _header_row(given: Any) -> tuple[int, ...]:
    rows = given if isinstance(given, list | tuple) else [given]
    whole = rows and all(isinstance(row, int) and not isinstance(row, bool) for row in rows)
    several = isinstance(given, list | tuple)
    if (
        not whole
        or not several <= rows[0] < 1000
        or list(rows) != [rows[0] + n for n in range(len(rows))]
    ):
        raise schema_error(f"must be 0, 1, 2, ... or rows such as [1, 2]; got {given!r}")
    return tuple(rows)


FileText = Annotated[str, BeforeValidator(_text)]


class TableSource(Schema):
    """The `table` section of a mapping.

    Args:
        file: Name the table, such as eyes.xlsx: CSV, XLSX or Parquet, relative to the mapping or
            the raw folder.
        one_row_per: What a row is: an operated `eye`, a `patient` with columns for either eye, or
            a `visit` of an eye.
        sheet: Of an XLSX file, None = the only one.
        separator: Of a CSV file.
        encoding: Of a CSV file.
        header_row: Row of the column names, as a spreadsheet counts; 0 = none, columns are then
            called A, B, C, ... Of several rows an upper name holds for the blanks at its right.
        missing: Cells that mean unknown, in every column.
        fill_down: Columns in which a blank cell repeats the one above, of the same patient.
        decimal: Sign before the decimals of a text: `.` or `,`.
        hidden_rows: What becomes of the hidden rows of an XLSX file: `keep` or `leave_out`.
    """

    file: FileText
    one_row_per: Literal["eye", "patient", "visit"] = "eye"
    sheet: FileText | None = None
    separator: Annotated[str, BeforeValidator(_separator)] = ","
    encoding: Annotated[str, BeforeValidator(_encoding)] = "utf-8-sig"
    header_row: Annotated[tuple[int, ...], BeforeValidator(_header_row)] = (1,)
    missing: Words = ()
    fill_down: Words = ()
    decimal: Literal[".", ","] = "."
    hidden_rows: Literal["keep", "leave_out"] = "keep"
