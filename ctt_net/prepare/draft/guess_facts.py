"""What can be said of a column without showing whose it is: counts, ranges, codes."""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ctt_net.acuity import is_missing

# Codes that mean unknown where everything else in the column is far away from them.
_CODES = (-9.0, -99.0, -999.0, -9999.0, 999.0, 9999.0, 99999.0)
# "none", "unknown", "/" and "?" may be answers; these are not.
_BLANK_WORDS = ("na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nan", "nat", "null", "missing", ".",
                "-", "--", "---", "未测", "未查", "未记录", "不详", "缺失")  # fmt: skip
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_COMMA_NUMBER = re.compile(r"[-+]?[0-9]+,[0-9]+")
_MIN_ROWS_A_LEVEL = 3
_MAX_LEVELS = 12
_SMALLEST_LONG_NUMBER = 10_000


@dataclass(frozen=True)
class Facts:
    """One column, or the two columns of a pair of eyes taken together.

    Args:
        counts: Cell to how often, without blanks, missing words and codes.
        blank: Blank cells.
        words: Words for missing that the mapping has to declare, with counts.
        codes: Codes for missing such as -9, with counts.
        numbers: Every cell as a number, None if one is no number.
        decimal_comma: Whether cells are numbers with a comma.
    """

    counts: Counter[str]
    blank: int
    words: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    numbers: np.ndarray | None = None
    decimal_comma: bool = False

    @property
    def known(self) -> int:
        """Cells that say something."""
        return sum(self.counts.values())

    @property
    def may_show_levels(self) -> bool:
        """Whether the cells are codes shared by several persons, which may be printed."""
        few = 0 < len(self.counts) <= _MAX_LEVELS
        return few and self.known >= _MIN_ROWS_A_LEVEL * len(self.counts)

    @property
    def like_ids(self) -> bool:
        """Whether the cells are long whole numbers, mostly different: their range names two."""
        if self.numbers is None or self.numbers.max() < _SMALLEST_LONG_NUMBER:
            return False
        whole = bool((self.numbers % 1 == 0).all())
        return whole and len(self.counts) > 0.5 * self.known

    def frequent(self, texts: Iterable[str]) -> str:
        """Some cells with their counts, in words; rare ones are only counted, not shown."""
        counts = {text: self.counts[text] for text in texts}
        said = [f"'{t}' {n}" for t, n in counts.items() if n >= _MIN_ROWS_A_LEVEL and len(t) < 30]
        rare = len(counts) - len(said)
        return ", ".join(said + ([f"{rare} rare ones"] if rare else []))

    def levels(self) -> list[str]:
        """Cells in their order."""
        return sorted(self.counts, key=lambda text: (_as_number(text) or 0.0, text))

    def span(self) -> str:
        """Range and counts in words."""
        if self.numbers is not None and not self.like_ids:
            said = f"{self.numbers.min():g} to {self.numbers.max():g}, "
        else:
            said = ""
        said += f"{len(self.counts)} distinct in {self.known} cells"
        gaps = self.blank + sum(self.words.values()) + sum(self.codes.values())
        return said + (f", {gaps} unknown" if gaps else "")


def facts_of(cells: pd.Series) -> Facts:
    """Look at a column.

    Args:
        cells: Text, stripped; blank = unknown.
    """
    counts = Counter(cells.to_list())
    blank = counts.pop("", 0)
    words = Counter({text: n for text, n in counts.items() if text.lower() in _BLANK_WORDS})
    rest = Counter({text: n for text, n in counts.items() if text not in words})
    codes = _codes(rest)
    rest = Counter({text: n for text, n in rest.items() if text not in codes})
    values = [_as_number(text) for text in rest if not is_missing(text)]
    numbers = None
    if values and all(value is not None for value in values):
        numbers = np.array(values, dtype=float)
    comma = bool(rest) and numbers is None
    comma = comma and all(_COMMA_NUMBER.fullmatch(t) or _NUMBER.fullmatch(t) for t in rest)
    return Facts(rest, blank, words, codes, numbers, comma)


def _codes(counts: Counter[str]) -> Counter[str]:
    """Cells that are a known code, far below or above all the others."""
    numbers = {text: _as_number(text) for text in counts}
    others = [n for n in numbers.values() if n is not None and n not in _CODES]
    if len(others) < 2:
        return Counter()
    low, high = min(others), max(others)
    return Counter(
        {
            text: counts[text]
            for text, number in numbers.items()
            if number in _CODES
            and number is not None
            and (low > -1.5 if number < 0 else number > 3 * max(abs(low), abs(high)))
        }
    )


def _as_number(text: str) -> float | None:
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    return number if math.isfinite(number) else None
