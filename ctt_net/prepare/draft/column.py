"""One column of a table: its cells counted, and what can be said of them without showing whose."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ctt_net.acuity import is_missing

# Codes that mean unknown where everything else in the column is far away from them.
_CODES = (-9.0, -99.0, -999.0, -9999.0, 999.0, 9999.0, 99999.0)
# "none", "unknown", "/" and "?" may be answers; these are not.
_MISSING = ("na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nan", "nat", "null", "missing", ".", "-",
            "--", "---", "未测", "未查", "未记录", "不详", "缺失")  # fmt: skip
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_ROWS_PER_LEVEL = 3
_MAX_LEVELS = 12
_LONG_NUMBER = 10_000
_YES = ("yes", "y", "ja", "j", "true", "t", "有", "是", "阳性", "+")
_NO = ("no", "n", "nein", "false", "f", "无", "否", "阴性")


@dataclass(frozen=True)
class Column:
    """A column, or the pair of columns of both eyes taken together.

    Args:
        name: Of the column; of the right eye's in a pair.
        counts: Cell to how often, without blanks, missing words and codes.
        blank: Number of blank cells.
        missing: Words and codes for missing, such as NULL and -9, with counts.
        sides: Column of `OD` and of `OS`; empty for a single column.
    """

    name: str
    counts: Counter[str]
    blank: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    sides: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, cells: pd.Series, sides: Mapping[str, str] | None = None) -> "Column":
        """Count the cells: text, stripped, blank = unknown."""
        counts = Counter(cells.to_list())
        blank = counts.pop("", 0)
        words = Counter({text: n for text, n in counts.items() if text.lower() in _MISSING})
        missing = words + _codes(counts - words)
        return cls(name, counts - missing, blank, missing, sides or {})

    @property
    def columns(self) -> tuple[str, ...]:
        """Its name, or both of a pair."""
        return tuple(self.sides.values()) or (self.name,)

    def rule(self) -> dict[str, Any]:
        """The beginning of its rule in a mapping."""
        return dict(self.sides) or {"column": self.name}

    @cached_property
    def numbers(self) -> np.ndarray | None:
        """Every cell as a number; None if one is no number."""
        values = {text: as_number(text) for text in self.counts if not is_missing(text)}
        if not values or None in values.values():
            return None
        return np.repeat(
            np.array([*values.values()], float), [self.counts[text] for text in values]
        )

    @property
    def known(self) -> int:
        """Cells that say something."""
        return self.counts.total()

    @property
    def has_levels(self) -> bool:
        """Whether the cells are codes that several persons share, which may be printed."""
        return 0 < len(self.counts) <= min(_MAX_LEVELS, self.known / _ROWS_PER_LEVEL)

    @property
    def like_ids(self) -> bool:
        """Whether the cells are long whole numbers, mostly different: their range names two."""
        numbers = self.numbers
        if numbers is None or numbers.max() < _LONG_NUMBER or (numbers % 1).any():
            return False
        return len(self.counts) > 0.5 * self.known

    @property
    def is_free_text(self) -> bool:
        """Whether nearly every cell is another text without digits, as names are."""
        texts = [t for t in self.counts if re.search(r"[^\W\d_]{2}", t) and not re.search(r"\d", t)]
        return self.known > 4 and len(texts) > 0.8 * len(self.counts) > 0.64 * self.known

    def levels(self) -> list[str]:
        """Its different cells, in order."""
        return sorted(self.counts, key=lambda text: (as_number(text) or 0.0, text))

    def summary(self, with_range: bool = True) -> str:
        """Range, median and counts."""
        said, numbers = "", self.numbers
        if with_range and numbers is not None and not self.like_ids:
            said = f"{numbers.min():g} to {numbers.max():g}, median {np.median(numbers):g}, "
        said += f"{len(self.counts)} distinct in {self.known} cells"
        gaps = self.blank + self.missing.total()
        return said + (f", {gaps} unknown" if gaps else "")


def covariate_rule(column: Column, unit: str = "") -> tuple[dict[str, Any] | None, str]:
    """The rule of a covariate by what its cells are, and the evidence.

    Args:
        column: Its column or columns.
        unit: Of its numbers, where the meaning is known.

    Returns:
        None if it cannot be one, with the reason.
    """
    if len(column.counts) < 2:
        return None, f"{'one value' if column.counts else 'no value'}, {column.summary()}"
    if column.like_ids:
        return None, f"{column.summary()}, as numbers of persons or things are"
    missing = {"missing": sorted(column.missing)} if column.missing else {}
    distinct = set() if column.numbers is None else set(column.numbers.tolist())
    levels = column.levels()
    words = {text.lower() for text in levels}
    coded = len(distinct) <= 4 and all(number.is_integer() for number in distinct)
    kind: dict[str, Any]
    if distinct and (unit or not coded):
        kind = {"kind": "numeric", **({"unit": unit} if unit else {})}
    elif distinct and distinct <= {0.0, 1.0}:
        kind = {"kind": "binary"}
    elif len(words) == 2 and words & set(_YES) and words & set(_NO):
        kind = {"kind": "binary", "recode": {text: int(text.lower() in _YES) for text in levels}}
    elif column.has_levels:
        kind = {"kind": "categorical", "levels": levels}
    else:
        return None, f"{column.summary()}, too few of each"
    return {**column.rule(), **kind, **missing}, column.summary()


def as_number(text: str) -> float | None:
    """A finite number with a decimal point; else None."""
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    return number if math.isfinite(number) else None


def _codes(counts: Counter[str]) -> Counter[str]:
    """Cells that are a known code, far below or above all the others."""
    numbers = {text: number for text in counts if (number := as_number(text)) is not None}
    others = [number for number in numbers.values() if number not in _CODES]
    if len(others) < 2:
        return Counter()
    low, high = min(others), max(others)
    return Counter(
        {
            text: counts[text]
            for text, number in numbers.items()
            if number in _CODES
            and (low > -1.5 if number < 0 else number > 3 * max(abs(low), abs(high)))
        }
    )
