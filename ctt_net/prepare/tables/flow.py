"""The participant flow from the raw table to the cohort: counted in and out (TRIPOD+AI 20a)."""

import io
from collections.abc import Iterable

import pandas as pd

from ctt_net.io.formula import escape_formula


class ParticipantFlow:
    """Counts that must balance.

    Example:
        >>> flow = ParticipantFlow(10, "rows in the table", "rows")
        >>> flow.leave_out("younger than 18", 2, ["p3", "p7"])
        >>> flow.arrive(8, "rows used", "rows")
        >>> flow.left
        2
    """

    def __init__(self, count: int, step: str, unit: str) -> None:
        self.steps: list[tuple[str, int, str, str]] = [(step, count, unit, "")]
        self.unit, self._now, self.left = unit, count, 0

    def leave_out(self, reason: str, count: int, ids: Iterable[str] = ()) -> None:
        """Units that go no further, why, and which eyes are lost by it; none is no line."""
        if count:
            named = "; ".join(dict.fromkeys(ids))
            self.steps.append((f"left out: {reason}", count, self.unit, named))
            self._now -= count
            self.left += count

    def merge(self, step: str, count: int) -> None:
        """Units that say what another one says already."""
        if count:
            self.steps.append((step, count, self.unit, ""))
            self._now -= count

    def arrive(self, count: int, step: str, unit: str) -> None:
        """What is left, counted again; after a change of unit in the new one.

        Raises:
            RuntimeError: If a unit was lost without a reason.
        """
        if unit == self.unit and count != self._now:
            raise RuntimeError(f"the flow does not balance: {self._now} expected, {count} {step}")
        self.steps.append((step, count, unit, ""))
        self.unit, self._now = unit, count

    def remark(self, step: str, count: int, unit: str) -> None:
        """A fact beside the flow; none is no line."""
        if count:
            self.steps.append((step, count, unit, ""))

    def to_table(self) -> pd.DataFrame:
        """Columns step, count, unit, ids."""
        return pd.DataFrame(self.steps, columns=["step", "count", "unit", "ids"])

    def to_csv(self) -> str:
        """The table as text."""
        text = io.StringIO()
        table = self.to_table()
        table.assign(ids=table["ids"].map(escape_formula)).to_csv(
            text, index=False, lineterminator="\n"
        )
        return text.getvalue()
