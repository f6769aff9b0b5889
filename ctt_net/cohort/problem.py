"""What is wrong with a cohort, by row and column, and the error that carries all of it."""

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ctt_net.errors import InputError, count_of

Severity = Literal["error", "warning", "note"]

# A spreadsheet counts its rows from 1, and the first is the header.
HEADER_ROW = 1

# More lines than this help nobody; the count says how many there are in all.
SHOWN = 20

# More problems of one kind than this share a line, which shows so many of their rows and values.
SHOWN_OF_A_KIND = 3
_SHOWN_IN_A_LINE = 8
_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|-?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Problem:
    """One finding.

    Args:
        message: What was read, what was expected, and the fix.
        severity: `error` stops everything; `warning` is only reported; `note` is no fault.
        row: Row of the manifest as a spreadsheet counts it (header = 1), None = the whole file.
        column: Column of the manifest, None = the whole row.
        code: What kind it is, where the column alone does not tell, such as `eye-twice`; programs
            compare this and never the message.
        other_rows: Further rows it concerns.
    """

    message: str
    severity: Severity = "error"
    row: Hashable | None = None
    column: str | None = None
    code: str = ""
    other_rows: tuple[Hashable, ...] = ()

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
        shown = [f"  {line}" for line in _grouped(self.problems)]
        if len(shown) > SHOWN:
            shown[SHOWN:] = [f"  ... and {len(shown) - SHOWN} more kinds"]
        count = count_of(len(self.problems), "problem")
        super().__init__("\n".join([f"{path}: {count}", *shown]))


def _grouped(problems: Sequence[Problem]) -> list[str]:
    """Lines for all problems; those that differ only in row and values share one."""
    groups: dict[tuple[str | None, str], list[Problem]] = {}
    for problem in problems:
        kind = problem.column, _VALUES.sub("", problem.message)
        groups.setdefault(kind, []).append(problem)
    lines: list[str] = []
    for (column, _), members in groups.items():
        if len(members) <= SHOWN_OF_A_KIND:
            lines += map(str, members)
            continue
        found = (_VALUES.search(problem.message) for problem in members)
        values = Counter(match[0] for match in found if match is not None).most_common()
        counted = _few([f"{value} ×{n}" if n > 1 else value for value, n in values])
        rows = _few([str(problem.row) for problem in members if problem.row is not None])
        place = f"rows {rows}" + (f", column {column}" if column is not None else "")
        counted = f" ({counted})" if len(values) > 1 else ""
        lines.append(f"{place}: {len(members)} times{counted}: {members[0].message}")
    return lines


def _few(texts: list[str]) -> str:
    more = len(texts) - _SHOWN_IN_A_LINE
    return ", ".join(texts[:_SHOWN_IN_A_LINE]) + (f" and {more} more" if more > 0 else "")
