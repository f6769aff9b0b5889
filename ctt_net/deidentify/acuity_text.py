"""An acuity rewritten from its value, without anything else that stood in the cell."""

import math
from collections.abc import Iterator
from functools import lru_cache

from ctt_net.acuity import AcuityError, decimal_from_logmar, parse_va

# Test distances in feet and metres, the usual ones first.
_NUMERATORS = (20, 6, 5, 4, 10, 3, 2, 1, 16, 12, 8)
_LETTERS = (0, -1, 1, -2, 2, -3, 3, -4, 4, -5, 5)
_SAME_LOGMAR = 5e-10  # `parse_va` rounds to nine digits


@lru_cache(maxsize=4096)  # charts have few lines
def acuity_text(logmar: float, off_chart: str, notation: str, recorded: str = "") -> str:
    """The shortest text that reads as this acuity.

    >>> acuity_text(0.301029996, "", "decimal"), acuity_text(0.341029996, "", "snellen")
    ('0.5', '20/40-2')
    >>> acuity_text(2.3, "HM", "decimal"), acuity_text(float("nan"), "", "decimal")
    ('HM', '')

    Args:
        logmar: As read; NaN = unknown.
        off_chart: `CF`, `HM`, `LP`, `NLP`, or empty for an acuity on the chart.
        notation: Of the column, one of `ctt_net.acuity.NOTATIONS`.
        recorded: The original text; only the test distance of a fraction is taken from it.

    Returns:
        A number, a fraction or a word; empty if unknown.
    """
    if off_chart:
        return off_chart
    if math.isnan(logmar):
        return ""
    for text in _candidates(logmar, notation, recorded):
        try:
            if abs(parse_va(text, notation).logmar - logmar) < _SAME_LOGMAR:
                return text
        except AcuityError:  # rounded out of the plausible range
            continue
    raise ValueError(f"{logmar!r} logMAR cannot be written as {notation}")


def _candidates(logmar: float, notation: str, recorded: str) -> Iterator[str]:
    if notation == "snellen":
        yield from _fractions(logmar, recorded)
        return
    number = {
        "decimal": decimal_from_logmar(logmar),
        "logmar": logmar,
        "etdrs": 85 - 50 * logmar,
        "five_mark": 5 - logmar,
    }[notation]
    for digits in range(14):
        yield _plain(number, digits)


def _fractions(logmar: float, recorded: str) -> Iterator[str]:
    """Fractions of this logMAR, those of a chart before those with many digits."""
    own = [n for n in _NUMERATORS if recorded.strip().startswith(f"{n}/")]
    for numerator in (*own, *_NUMERATORS):
        for letters in _LETTERS:
            denominator = numerator * 10.0 ** (logmar + 0.02 * letters)
            for digits in (0, 1, 2):
                sign = f"{letters:+d}" if letters else ""
                yield f"{numerator}/{_plain(denominator, digits)}{sign}"
    for digits in range(3, 14):
        yield f"20/{_plain(20 * 10.0**logmar, digits)}"


def _plain(number: float, digits: int) -> str:
    text = f"{number + 0.0:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
