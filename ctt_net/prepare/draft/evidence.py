"""What the cells of a column can be read as: acuities of a notation, dates of a format, sides."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from ctt_net.acuity import NOTATIONS, AcuityError, is_missing, parse_va
from ctt_net.prepare.draft.column import Column, as_number
from ctt_net.prepare.draft.column_names import SIDE_OF
from ctt_net.prepare.tables.cells import without_time

# Below this share of readable cells a notation, or a format, is not offered at all.
_POSSIBLE = 0.9
_MIN_DECISIVE = 3
_SIGNS: tuple[tuple[Callable[[float], bool], str], ...] = (
    (lambda x: x < 0, "below 0: logmar only"),
    (lambda x: 4 <= x <= 5.3, "from 4 to 5.3: usual for five_mark"),
    (lambda x: x > 5.3, "above 5.3: etdrs letters"),
    (lambda x: x in (1.2, 1.5, 0.15, 0.12), "of 0.12, 0.15, 1.2, 1.5: usual for decimal"),
    (lambda x: x in (0.02, 0.18, 0.48), "of 0.02, 0.18, 0.48: usual for logmar"),
    (lambda x: x == 0, "0: 20/20 in logmar, no light perception in five_mark, never decimal"),
)
_ORDERS = ("%Y{0}%m{0}%d", "%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%d{0}%m{0}%y", "%m{0}%d{0}%y",
           "%y{0}%m{0}%d")  # fmt: skip
_FORMATS = (
    *(order.format(sign) for sign in "-/." for order in _ORDERS),
    *("%Y%m%d", "%Y年%m月%d日", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"),
)
_LIKE_A_DATE = re.compile(r"[0-9]{8}|\w+[-/.年 ]+\w+[-/.月, ]+[0-9]+日?")
_YEARS = range(1900, 2200)
# Where a longer text holds the side: one such word in every cell.
_INSIDE = r"(?i)(?<![a-z])(od|os|r|l|right|left|右|左)(?![a-z])"


@dataclass(frozen=True)
class AcuityEvidence:
    """What the cells of a column say of its notation.

    Args:
        readable: Notation to the number of cells on the chart that can be read in it.
        on_chart: Cells that are neither missing nor an off-chart word.
        off_chart: Cells that hold a word such as CF or HM.
        signs: Evidence in words.
    """

    readable: dict[str, int]
    on_chart: int
    off_chart: int
    signs: tuple[str, ...]

    @property
    def certain(self) -> str | None:
        """The notation that reads every cell where each other one fails on many."""
        reading = [name for name, n in self.readable.items() if n == self.on_chart]
        if len(reading) != 1:
            return None
        others = max(n for name, n in self.readable.items() if name != reading[0])
        decisive = self.on_chart - others >= max(_MIN_DECISIVE, 0.05 * self.on_chart)
        return reading[0] if decisive else None

    @property
    def possible(self) -> list[str]:
        """Notations that read nearly all cells, or else the best ones."""
        most = max(self.readable.values())
        least = min(_POSSIBLE * self.on_chart, most)
        return [name for name, n in self.readable.items() if most and n >= least]

    @property
    def is_acuity(self) -> bool:
        """Whether the cells can be acuities at all."""
        most = max(self.readable.values())
        return self.on_chart + self.off_chart > 0 and most >= 0.5 * self.on_chart


def acuity_evidence(column: Column) -> AcuityEvidence:
    """Try every notation on every cell."""
    cells: Counter[str] = Counter()
    reads: dict[str, list[str]] = {}
    off_chart = 0
    for text, n in column.counts.items():
        if is_missing(text):
            continue
        if _reads(text, "snellen") == "word":  # words are the same in every notation
            off_chart += n
        else:
            cells[text], reads[text] = n, [name for name in NOTATIONS if _reads(text, name)]
    fractions = sum(n for text, n in cells.items() if "/" in text or "／" in text)
    signs = [f"{fractions} fractions: snellen"] if fractions else []
    numbers = {text: as_number(text.replace(",", ".")) for text in cells}
    for test, words in _SIGNS:
        fitting = sum(
            cells[t] for t, number in numbers.items() if number is not None and test(number)
        )
        signs += [f"{fitting} cells {words}"] if fitting else []
    return AcuityEvidence(
        {name: sum(n for text, n in cells.items() if name in reads[text]) for name in NOTATIONS},
        cells.total(),
        off_chart,
        tuple(signs),
    )


def _reads(text: str, notation: str) -> str | None:
    try:
        return "word" if parse_va(text, notation).off_chart else "number"
    except AcuityError:
        return None


def date_formats(column: Column) -> tuple[str, ...]:
    """The formats that read the most cells, all equally many; none if the cells are no dates."""
    cells = Counter({without_time(t): n for t, n in column.counts.items() if not is_missing(t)})
    like = sum(n for text, n in cells.items() if _LIKE_A_DATE.fullmatch(text))
    if not cells or like < _POSSIBLE * cells.total():
        return ()
    read = {form: sum(n for text, n in cells.items() if _is_date(text, form)) for form in _FORMATS}
    most = max(read.values())
    return tuple(f for f, n in read.items() if n == most >= _POSSIBLE * cells.total())


def _is_date(text: str, form: str) -> bool:
    try:
        return datetime.strptime(text, form).year in _YEARS
    except ValueError:
        return False


@dataclass(frozen=True)
class SideEvidence:
    """How a column says which eye a row is.

    Args:
        column: The column.
        words: `OD` and `OS` to the cells that mean it, as written.
        others: Cells that mean both eyes, or nobody can tell what, such as 1 and 2.
        extract: Pattern that takes the word out of a longer text.
    """

    column: Column
    words: dict[str, list[str]]
    others: tuple[str, ...] = ()
    extract: str | None = None


def side_evidence(column: Column) -> SideEvidence | None:
    """Read the cells of a column as sides; None if most are none."""
    if not 0 < len(column.counts) <= 8:
        return None
    sides: dict[str, list[str]] = {"OD": [], "OS": [], "": []}
    for text in column.levels():
        sides[SIDE_OF.get(text.lower(), "")].append(text)
    others = tuple(sides.pop(""))
    if sum(column.counts[text] for text in others) >= 0.5 * column.known:
        return None
    return SideEvidence(column, sides, others)


def side_inside(column: Column, cells: pd.Series) -> SideEvidence | None:
    """One word for a side in every cell of a longer text, and both sides among them."""
    known = cells[cells != ""]
    if not len(known) or not (known.str.count(_INSIDE) == 1).all():
        return None
    sides: dict[str, list[str]] = {"OD": [], "OS": []}
    for text in sorted(known.str.extract(_INSIDE, expand=False).unique()):
        sides[SIDE_OF[text.lower()]].append(text)
    return SideEvidence(column, sides, extract=_INSIDE) if all(sides.values()) else None
