"""Arithmetic between logMAR and the notations; reading what people typed is in `parse`.

logMAR = -log10(decimal); a line is 0.1 logMAR, a letter 0.02. Average only in logMAR: the mean of
20/20 and 20/200 is 20/63, not the 20/36 of their decimals (Holladay 2004; Bach, Visual Acuity
Cheat Sheet, michaelbach.de/sci/acuity.html).
"""

import math
from typing import Literal

from ctt_net.acuity.record import AcuityError

LOGMAR_PER_LETTER = 0.02
# From 100 letters of an ETDRS chart to none.
CHART_SPAN_LOGMAR = 100 * LOGMAR_PER_LETTER
# Printed chart lines, 0.1 logMAR apart, from -0.3 logMAR on.
_CHART_LINES = {
    "feet": "10 12.5 16 20 25 32 40 50 63 80 100 125 160 200 250 320 400 500 630 800",
    "metres": "3 3.8 4.8 6 7.5 9.5 12 15 19 24 30 38 48 60 75 95 120 150 190 240",
}
_NUMERATOR = {"feet": 20, "metres": 6}
_LINE_LOGMAR = 0.1


def logmar_from_decimal(decimal: float) -> float:
    """LogMAR of a decimal acuity.

    >>> round(logmar_from_decimal(0.5), 5)
    0.30103

    Raises:
        AcuityError: If decimal is zero, negative or not finite.
    """
    if not (math.isfinite(decimal) and decimal > 0):
        raise AcuityError(f"decimal acuity must be a number above 0, got {decimal!r}")
    return 0.0 - math.log10(decimal)


def logmar_from_snellen(numerator: float, denominator: float, letters: int = 0) -> float:
    """LogMAR of a Snellen fraction of any test distance, with letters more or fewer.

    20/40-2 is the 20/40 line but two letters, 20/40+2 the line and two letters of the next; each
    letter 0.02 logMAR. Projector charts skip lines below 20/100, where this is approximate.

    >>> round(logmar_from_snellen(20, 40, letters=-2), 5)
    0.34103

    Raises:
        AcuityError: If numerator or denominator is zero, negative or not finite.
    """
    for name, value in (("numerator", numerator), ("denominator", denominator)):
        if not (math.isfinite(value) and value > 0):
            raise AcuityError(f"Snellen {name} must be a number above 0, got {value!r}")
    return math.log10(denominator) - math.log10(numerator) - LOGMAR_PER_LETTER * letters


def logmar_from_letters(letters: float) -> float:
    """LogMAR of an ETDRS letter score, 1.7 - 0.02 * letters (Beck 2003, pubmed 12566024).

    >>> logmar_from_letters(85), logmar_from_letters(35)
    (0.0, 1.0)

    Raises:
        AcuityError: If letters is not within 0..100.
    """
    if not 0 <= letters <= 100:
        raise AcuityError(f"ETDRS letters must lie in 0..100, got {letters!r}")
    return (85 - letters) / 50


def logmar_from_five_mark(mark: float) -> float:
    """LogMAR of a Chinese five-mark record, 5 - L (Miao Tianrong).

    The chart is printed from 4.0 to 5.3; 3.3 to 3.9 come from walking up to it. The marks 3, 2, 1
    and 0 are words (CF, HM, LP, NLP), which `parse_va` gives the value of a policy.

    >>> logmar_from_five_mark(4.7)
    0.3

    Raises:
        AcuityError: If mark is not within 3.3..5.3.
    """
    if not 3.3 <= mark <= 5.3:
        raise AcuityError(f"five-mark record must lie in 3.3..5.3 to be a number, got {mark!r}")
    return round(5 - mark, 9)


def decimal_from_logmar(logmar: float) -> float:
    """Decimal acuity, not rounded.

    >>> round(decimal_from_logmar(0.3), 2)
    0.5
    """
    return 10.0 ** (0.0 - logmar)


def letters_from_logmar(logmar: float) -> int | None:
    """ETDRS letters to the nearest whole one; None beyond 0..100 letters.

    85 + 50 * log10(decimal) (Gregori 2010, Retina). 0 letters are 1.70
    logMAR, so counting fingers and worse have none: not clamped, as that would invent a score.

    >>> letters_from_logmar(0.30103), letters_from_logmar(1.9)
    (70, None)
    """
    letters = 85 - 50 * logmar
    # The fastest lines end at 20/10, which is -0.30103 logMAR and 100.05 letters.
    if not -1e-6 <= letters <= 100 + 0.1:
        return None
    return math.floor(letters + 0.5)


def five_mark_from_logmar(logmar: float) -> float:
    """Chinese five-mark record, 5 - logMAR (Miao Tianrong), to two digits.

    >>> five_mark_from_logmar(0.3)
    4.7
    """
    return round(5 - logmar, 2)


def snellen_from_logmar(logmar: float, unit: Literal["feet", "metres"]) -> str:
    """The nearest line of a logMAR chart, for display; beyond its ends, words say so.

    The letters beside it (`letters_from_logmar`) tell what lies between two lines.

    >>> snellen_from_logmar(0.08, "feet"), snellen_from_logmar(0.34, "metres")
    ('20/25', '6/12')
    >>> snellen_from_logmar(1.9, "feet")
    'worse than 20/800'

    Raises:
        AcuityError: If the unit is neither, or logmar no number.
    """
    if unit not in _NUMERATOR:
        raise AcuityError(f"Snellen unit must be 'feet' or 'metres', got {unit!r}")
    if not math.isfinite(logmar):
        raise AcuityError(f"cannot write {logmar!r} logMAR as a Snellen fraction")
    lines = [f"{_NUMERATOR[unit]}/{line}" for line in _CHART_LINES[unit].split()]
    place = math.floor(logmar / _LINE_LOGMAR + 0.5) + 3
    if place < 0:
        return f"better than {lines[0]}"
    return lines[place] if place < len(lines) else f"worse than {lines[-1]}"
