"""Which table a mapping reads, and how its cells are to be taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ctt_net.cohort.yaml_value import read_choice, read_words
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import check_known_keys

Shape = Literal["eye", "patient", "visit"]


@dataclass(frozen=True)
class TableSource:
    """The `table` section of a mapping.

    Args:
        file: CSV, XLSX or Parquet, relative to the mapping or the raw folder.
        one_row_per: What a row is: an operated `eye`, a `patient` with columns for either eye, or
            a `visit` of an eye.
        sheet: Of an XLSX file, None = the only one.
        separator: Of a CSV file.
        encoding: Of a CSV file.
        header_row: Row of the column names, as a spreadsheet counts; 0 = none, columns are then
            called A, B, C, ... Of several rows the last.
        header_rows: Number of rows of names; an upper name holds for the blanks at its right.
        missing: Cells that mean unknown, in every column.
        fill_down: Columns in which a blank cell repeats the one above, of the same patient.
        decimal: Sign before the decimals of a text: `.` or `,`.
        hidden_rows: What becomes of the hidden rows of an XLSX file: `keep` or `leave_out`.
    """

    file: str
    one_row_per: Shape = "eye"
    sheet: str | None = None
    separator: str = ","
    encoding: str = "utf-8-sig"
    header_row: int = 1
    missing: tuple[str, ...] = ()
    fill_down: tuple[str, ...] = ()
    header_rows: int = 1
    decimal: Literal[".", ","] = "."
    hidden_rows: Literal["keep", "leave_out"] = "keep"

    @classmethod
    def from_dict(cls, section: Mapping[str, Any], where: str) -> "TableSource":
        """Check and build.

        Raises:
            InputError: Naming key, value and cure.
        """
        known = ("file", "sheet", "separator", "encoding", "header_row", "decimal", "hidden_rows")
        check_known_keys(section, (*known, "missing", "fill_down", "one_row_per"), where)
        texts = {}
        for key in ("file", "sheet", "separator", "encoding"):
            if section.get(key) is None:
                continue
            if not isinstance(section[key], str) or not section[key]:
                raise InputError(f"{where}.{key} must be text in quotes, got {section[key]!r}")
            texts[key] = section[key]
        if "file" not in texts:
            raise InputError(f"{where}.file is missing; name the table, such as eyes.xlsx")
        separator = texts.get("separator", ",")
        if len(separator) != 1 or separator in '"\r\n':
            raise InputError(
                f"{where}.separator must be one character, such as ';' or '\\t' in double quotes; "
                f"got {separator!r}"
            )
        if texts.get("encoding", "").lower().replace("_", "-") in ("utf-8", "utf8"):
            texts["encoding"] = "utf-8-sig"  # the same, and a byte-order mark does no harm
        header_row, header_rows = section.get("header_row", 1), 1
        if isinstance(header_row, list) and header_row[:1] and header_row[0] in range(1, 1000):
            rows = [header_row[0] + n for n in range(len(header_row))]
            header_row, header_rows = (rows[-1] if rows == header_row else header_row), len(rows)
        if isinstance(header_row, bool) or not isinstance(header_row, int) or header_row < 0:
            raise InputError(
                f"{where}.header_row must be 0, 1, 2, ... or rows such as [1, 2]; got "
                f"{header_row!r}"
            )
        return cls(
            **texts,
            one_row_per=read_choice(
                section.get("one_row_per", "eye"), get_args(Shape), f"{where}.one_row_per"
            ),
            header_row=header_row,
            header_rows=header_rows,
            missing=read_words(section.get("missing"), f"{where}.missing"),
            fill_down=read_words(section.get("fill_down"), f"{where}.fill_down"),
            decimal=read_choice(section.get("decimal", "."), (".", ","), f"{where}.decimal"),
            hidden_rows=read_choice(
                section.get("hidden_rows", "keep"), ("keep", "leave_out"), f"{where}.hidden_rows"
            ),
        )
