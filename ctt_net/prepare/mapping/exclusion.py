"""Which rows a mapping leaves out, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ctt_net.cohort.columns import says_missing
from ctt_net.cohort.words import matched
from ctt_net.cohort.yaml_value import read_flag, read_number, read_words
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import check_known_keys
from ctt_net.prepare.tables.cells import comma_cure

_TESTS = ("is", "missing", "below", "above")


@dataclass(frozen=True)
class Exclusion:
    """One line of `exclude`.

    Args:
        reason: In words, for the flow table.
        column: Of the table.
        values: Cells that are left out.
        missing: Whether blank cells, and words for unknown, are.
        below: Numbers below this are.
        above: Numbers above this are.
    """

    reason: str
    column: str
    values: tuple[str, ...] = ()
    missing: bool = False
    below: float | None = None
    above: float | None = None

    @classmethod
    def from_dict(cls, given: Any, where: str) -> "Exclusion":
        """Check and build.

        Raises:
            InputError: Naming key, value and cure.
        """
        if not isinstance(given, Mapping):
            raise InputError(f"{where} must hold reason, column and a test, got {given!r}")
        check_known_keys(given, ("reason", "column", *_TESTS), where)
        for key in ("reason", "column"):
            if not isinstance(given.get(key), str) or not given[key].strip():
                raise InputError(f"{where}.{key} is missing; give it as text")
        if not any(test in given for test in _TESTS):
            raise InputError(f"{where}: nothing to test; say one of {', '.join(_TESTS)}")
        return cls(
            reason=given["reason"].strip(),
            column=given["column"],
            values=read_words(given.get("is"), f"{where}.is"),
            missing=read_flag(given, "missing", False, where),
            below=read_number(given["below"], f"{where}.below") if "below" in given else None,
            above=read_number(given["above"], f"{where}.above") if "above" in given else None,
        )

    def applies(self, cells: pd.Series) -> pd.Series:
        """Which cells of its column it leaves out.

        Args:
            cells: Text.

        Raises:
            InputError: If a bound is asked of a cell that is no number.
        """
        unknown = says_missing(cells)
        out = matched(cells, self.values).notna() | (unknown & self.missing)
        if self.below is None and self.above is None:
            return out
        numbers = pd.to_numeric(cells.where(~unknown), errors="coerce")
        bad = numbers.isna() & ~unknown & ~out
        if bad.any():
            row = cells.index[bad][0]
            raise InputError(
                f"row {row}, column {self.column}: {cells[row]!r} is no number, so nobody can say "
                f"whether it is out of bounds ({self.reason}); correct it, or declare it under "
                f"table.missing{comma_cure(cells[row])}"
            )
        if self.below is not None:
            out |= numbers < self.below
        if self.above is not None:
            out |= numbers > self.above
        return out
