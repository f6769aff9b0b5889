"""Evidence for the notation of an acuity column; the choice stays with a person."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ctt_net.acuity import NOTATIONS, AcuityError, is_missing, parse_va
from ctt_net.prepare.draft.guess_facts import Facts

# Below this share of readable cells a notation is not offered at all.
_POSSIBLE = 0.9
_MIN_DECISIVE = 3
# Lines of decimal charts, and decimals that only the logMAR of a line has.
_DECIMAL_SIGNS = (1.2, 1.5, 0.15, 0.12)
_LOGMAR_SIGNS = (0.02, 0.18, 0.48)
_EYES_FOR_DIRECTION = 10


@dataclass(frozen=True)
class AcuityEvidence:
    """What the cells of a column say of its notation.

    Args:
        readable: Notation to the number of cells that can be read in it, words of off-chart
            acuities not counted.
        on_chart: Cells that are neither missing nor an off-chart word.
        off_chart: Cells that hold a word such as CF or HM.
        certain: The only notation that can be meant, None if a person has to say.
        signs: Remarks, each for a comment.
        unreadable: Cells that no notation reads.
    """

    readable: dict[str, int]
    on_chart: int
    off_chart: int
    certain: str | None
    signs: tuple[str, ...]
    unreadable: tuple[str, ...]

    @property
    def possible(self) -> list[str]:
        """Notations that can read nearly all cells, or else the best ones."""
        most = max(self.readable.values(), default=0)
        least = min(_POSSIBLE * self.on_chart, most)
        return [name for name, n in self.readable.items() if most and n >= least]

    @property
    def is_acuity(self) -> bool:
        """Whether the cells can be acuities at all."""
        most = max(self.readable.values(), default=0)
        return self.on_chart + self.off_chart > 0 and most >= 0.5 * self.on_chart


def acuity_evidence(facts: Facts) -> AcuityEvidence:
    """Try every notation on every cell."""
    cells: Counter[str] = Counter()
    off_chart = 0
    for text, n in facts.counts.items():
        if is_missing(text):
            continue
        if _reads(text, "snellen") == "word":  # words are the same in every notation
            off_chart += n
        else:
            cells[text] = n
    reads = {text: [name for name in NOTATIONS if _reads(text, name)] for text in cells}
    readable = {
        name: sum(n for text, n in cells.items() if name in reads[text]) for name in NOTATIONS
    }
    total = sum(cells.values())
    numbers = {text: float(text.replace(",", ".")) for text in cells if _is_number(text)}
    unread = tuple(text for text, names in reads.items() if not names)
    certain = _certain(readable, total)
    return AcuityEvidence(readable, total, off_chart, certain, _signs(cells, numbers), unread)


def direction_signs(pre: np.ndarray, post: np.ndarray) -> tuple[str, ...]:
    """Which way the median eye changes, which tells notations that rise from those that fall.

    Args:
        pre: (N,) numbers as recorded before surgery, NaN = unknown.
        post: (N,) the same eyes after it.
    """
    change = post - pre
    change = change[np.isfinite(change)]
    if len(change) < _EYES_FOR_DIRECTION or np.median(change) == 0:
        return ()
    higher = float(np.median(change)) > 0
    better, worse = ("decimal, etdrs, five_mark", "logmar") if higher else ("logmar", "the others")
    return (
        f"the median eye's number {'rises' if higher else 'falls'} after surgery: an eye that sees "
        f"better as {better}, worse as {worse}",
    )


def _certain(readable: dict[str, int], total: int) -> str | None:
    """A notation that reads all where every other one fails on many."""
    reading_all = [name for name, n in readable.items() if n == total]
    if not total or len(reading_all) != 1:
        return None
    others = max(n for name, n in readable.items() if name != reading_all[0])
    decisive = total - others
    return reading_all[0] if decisive >= max(_MIN_DECISIVE, 0.05 * total) else None


def _signs(cells: Counter[str], numbers: dict[str, float]) -> tuple[str, ...]:
    def count(chosen: set[str]) -> int:
        return sum(cells[text] for text in chosen)

    low = {t for t, x in numbers.items() if x < 0}
    marks = {t for t, x in numbers.items() if 4 <= x <= 5.3}
    letters = {t for t, x in numbers.items() if x > 5.3}
    decimals = {t for t, x in numbers.items() if x in _DECIMAL_SIGNS}
    logmars = {t for t, x in numbers.items() if x in _LOGMAR_SIGNS}
    zeros = {t for t, x in numbers.items() if x == 0}
    fractions = {t for t in cells if "/" in t or "／" in t}
    found = (
        (fractions, "fractions: snellen"),
        (low, "below 0: logmar only"),
        (marks, "from 4 to 5.3: usual for five_mark"),
        (letters, "above 5.3: etdrs letters"),
        (decimals, "of 0.12, 0.15, 1.2, 1.5: usual for decimal"),
        (logmars, "of 0.02, 0.18, 0.48: usual for logmar"),
        (zeros, "0: 20/20 in logmar, no light perception in five_mark, no decimal at all"),
    )
    return tuple(f"{count(chosen)} cells {said}" for chosen, said in found if chosen)


def _reads(text: str, notation: str) -> str | None:
    try:
        return "word" if parse_va(text, notation).off_chart else "number"
    except AcuityError:
        return None


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text.replace(",", "."))))
    except ValueError:
        return False
