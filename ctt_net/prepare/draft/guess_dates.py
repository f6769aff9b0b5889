"""Formats in which a column of dates can be read; certain only where the cells leave no other."""

import re
from dataclasses import dataclass
from datetime import datetime

from ctt_net.acuity import is_missing
from ctt_net.prepare.draft.guess_facts import Facts

_FORMATS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日"),
    *("%d.%m.%Y", "%m.%d.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%m.%d.%y", "%y.%m.%d", "%d/%m/%y", "%m/%d/%y", "%y/%m/%d"),
    *("%d-%m-%y", "%m-%d-%y", "%y-%m-%d"),
    *("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%y"),
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M"),
    *("%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"),
)
_LIKE_A_DATE = re.compile(r"[0-9]{1,4}[-/.年 ].{1,20}|[12][0-9]{7}|[A-Za-z]{3,9} [0-9].{1,12}")
_LEAST_SHARE = 0.9
_YEARS = (1900, 2199)


@dataclass(frozen=True)
class DateGuess:
    """Formats of a column of dates.

    Args:
        formats: Those that read the most cells, all equally many.
        unreadable: Cells that none of them reads.
    """

    formats: tuple[str, ...]
    unreadable: int

    @property
    def certain(self) -> str | None:
        """The only format possible."""
        return self.formats[0] if len(self.formats) == 1 else None


def guess_dates(facts: Facts) -> DateGuess | None:
    """Try every usual format; None if the cells are no dates."""
    cells = {text: n for text, n in facts.counts.items() if not is_missing(text)}
    total = sum(cells.values())
    like = sum(n for text, n in cells.items() if _LIKE_A_DATE.fullmatch(text))
    if not total or like < _LEAST_SHARE * total:
        return None
    read = {form: sum(n for text, n in cells.items() if _fits(text, form)) for form in _FORMATS}
    most = max(read.values())
    if most < _LEAST_SHARE * total:
        return None
    return DateGuess(tuple(form for form, n in read.items() if n == most), total - most)


def _fits(text: str, form: str) -> bool:
    try:
        year = datetime.strptime(text, form).year
    except ValueError:
        return False
    return _YEARS[0] <= year <= _YEARS[1]
