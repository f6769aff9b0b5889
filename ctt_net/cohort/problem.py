"""What is wrong with a cohort, by row and column, and the error that carries all of it."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ctt_net.errors import InputError

Severity = Literal["error", "warning", "note"]

# A spreadsheet counts its rows from 1, and the first is the header.
HEADER_ROW = 1

# More lines than this help nobody; the count says how many there are in all.
SHOWN = 20


@dataclass(frozen=True)
class Problem:
    """One finding.

    Args:
        message: What was read, what was expected, and the cure.
        severity: `error` stops everything; `warning` is said and goes on; `note` is no fault.
        row: Row of the manifest as a spreadsheet counts it (header = 1), None = the whole file.
        column: Column of the manifest, None = the whole row.
    """

    message: str
    severity: Severity = "error"
    row: Hashable | None = None
    column: str | None = None

    def place(self) -> str:
        """Row and column in words, empty for the whole file."""
        parts = []
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.column is not None:
            parts.append(f"column {self.column}")
        return ", ".join(parts)

    def __str__(self) -> str:
        place = self.place()
        return f"{place}: {self.message}" if place else self.message


class CohortError(InputError):
    """A cohort folder that cannot be used.

    Args:
        path: The file that is wrong.
        problems: All that is wrong with it.
    """

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        shown = [f"  {problem}" for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            shown.append(f"  ... and {len(self.problems) - SHOWN} more")
        count = f"{len(self.problems)} problem" + ("s" if len(self.problems) > 1 else "")
        super().__init__("\n".join([f"{path}: {count}", *shown]))
