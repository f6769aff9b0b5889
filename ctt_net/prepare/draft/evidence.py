"""What the cells of a column can be read as: acuities of a notation, dates of a format, sides."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ctt_net.acuity import NOTATIONS, AcuityError, is_missing, parse_va, parse_va_bounds
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
        """Whether half of the cells on the chart or more can be acuities."""
        return 0 < self.on_chart <= 2 * max(self.readable.values())


def acuity_evidence(column: Column) -> AcuityEvidence:
    """Try every notation on every cell."""
    counts = {text: n for text, n in column.counts.items() if not is_missing(text)}
    # Words are the same in every notation.
    cells = Counter({text: n for text, n in counts.items() if _reads(text, "snellen") != "word"})
    fractions = sum(n for text, n in cells.items() if "/" in text or "／" in text)
    signs = [f"{fractions} fractions: snellen"] if fractions else []
    numbers = {text: as_number(text.replace(",", ".")) for text in cells}
    for test, words in _SIGNS:
        fitting = sum(
            cells[t] for t, number in numbers.items() if number is not None and test(number)
        )
        signs += [f"{fitting} cells {words}"] if fitting else []
    return AcuityEvidence(
        {name: sum(n for text, n in cells.items() if _reads(text, name)) for name in NOTATIONS},
        cells.total(),
        sum(counts.values()) - cells.total(),
        tuple(signs),
    )


def _reads(text: str, notation: str) -> str | None:
    try:
        if parse_va_bounds(text, notation):
            return "number"
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


def side_words(column: Column) -> dict[str, list[str]]:
    """`OD` and `OS` to the cells that mean it, as written; "" to the others, such as OU, 1, 2."""
    sides: dict[str, list[str]] = {"OD": [], "OS": [], "": []}
    for text in column.levels():
        sides[SIDE_OF.get(text.lower(), "")].append(text)
    return sides


def says_side(column: Column) -> bool:
    """Whether more than half of the cells are words for a side."""
    if not 0 < len(column.counts) <= 8:
        return False
    return sum(column.counts[text] for text in side_words(column)[""]) < 0.5 * column.known
