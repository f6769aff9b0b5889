"""Cells of a CSV text, strictly: no NUL, no quotation mark left open, no last row cut short."""

import csv
import io
from pathlib import Path

from ctt_net.errors import InputError


def csv_lines(text: str, path: Path, separator: str = ",") -> list[list[str]]:
    """Split a text into rows of cells.

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
