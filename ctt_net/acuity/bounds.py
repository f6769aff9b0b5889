"""Reading an acuity of which only bounds are recorded: `0.5 or better`, `>=0.5`, `0.3-0.5`."""

import math
import re

from ctt_net.acuity.parse import parse_va
from ctt_net.acuity.record import AcuityError
from ctt_net.acuity.text import MAX_CHARACTERS, normalised

# Half a letter. "Worse than 0.5" is at least a letter (0.02 logMAR) worse, so a cut at 0.5 itself
# decides it, as it decides "0.5 or better".
BEYOND_LOGMAR = 0.01

# Sense of a sign is that of the number: more is better, but for logMAR.
_SIGNS = {">=": (">", True), "≥": (">", True), "≧": (">", True), "=>": (">", True)} | {
    **{"<=": ("<", True), "≤": ("<", True), "≦": ("<", True), "=<": ("<", True)},
    **{">": (">", False), "<": ("<", False)},
}
_SIGN = re.compile(rf"({'|'.join(_SIGNS)}) ?(.+)")
_WORDS_BEFORE = re.compile(r"(better|worse) than (.+)")
_WORDS_BEHIND = re.compile(r"(.+?) (?:or|and) (better|worse)")
_CHINESE = re.compile(r"(.+?) ?(?:及|或)?(?:以)(上|下)")
_NUMBER = r"(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)"
_READING = rf"[-+]? ?{_NUMBER}(?: ?/ ?{_NUMBER}(?:[-+][0-9](?![0-9/.,]))?)?"
_BAND = re.compile(rf"({_READING}) ?(-|~|〜|to|至|到) ?({_READING})")
_FRACTION_AND_LETTERS = re.compile(rf"{_NUMBER} ?/ ?{_NUMBER} ?[-+] ?[0-9]{{1,2}}")


def parse_va_bounds(value: object, notation: str) -> tuple[float, float] | None:
    """Read the bounds of an acuity, None if the text is not written as bounds.

    `>=`, `<`, `0.5 or better`, `worse than 20/200`, `0.3-0.5`, `20/60 to 20/40`, `0.5及以上`. Both
    ends of a band belong to it, in either order. A sign has the sense of the number: `<0.1` in
    decimal is worse than 0.1, `<0.1` in logMAR better.

    >>> parse_va_bounds("0.5 or better", "decimal"), parse_va_bounds("0.5", "decimal")
    ((-inf, 0.301029996), None)
    >>> parse_va_bounds("20/60 to 20/40", "snellen")
    (0.301029996, 0.477121255)

    Args:
        value: The cell.
        notation: What the column declares, one of `NOTATIONS`.

    Returns:
        Best and worst logMAR that it may be; infinite where it is open.

    Raises:
        AcuityError: If it is written as bounds and cannot be read.
    """
    text = str(value)
    plain = normalised(text) if len(text) <= MAX_CHARACTERS else ""
    try:
        return _one_sided(plain, notation) or _band(plain, notation)
    except AcuityError as error:
        raise AcuityError(f"cannot read the bounds {text!r}: {error}") from None


def _one_sided(plain: str, notation: str) -> tuple[float, float] | None:
    higher = "worse" if notation == "logmar" else "better"
    lower = "better" if notation == "logmar" else "worse"
    if match := _SIGN.fullmatch(plain):
        sign, inclusive = _SIGNS[match[1]]
        side, reading = higher if sign == ">" else lower, match[2]
    elif match := _WORDS_BEFORE.fullmatch(plain):
        side, inclusive, reading = match[1], False, match[2]
    elif match := _WORDS_BEHIND.fullmatch(plain):
        side, inclusive, reading = match[2], True, match[1]
    elif match := _CHINESE.fullmatch(plain):
        side, inclusive, reading = higher if match[2] == "上" else lower, True, match[1]
    else:
        return None
    at, beyond = bound_logmar(reading, notation), 0.0 if inclusive else BEYOND_LOGMAR
    return (
        (-math.inf, round(at - beyond, 9))
        if side == "better"
        else (round(at + beyond, 9), math.inf)
    )


def _band(plain: str, notation: str) -> tuple[float, float] | None:
    match = _BAND.fullmatch(plain)
    if match is None or _FRACTION_AND_LETTERS.fullmatch(plain):
        return None
    if match[2] == "-" and re.fullmatch("[0-9]", match[3]):
        raise AcuityError(
            f"-{match[3]} may be letters of the line or the end of a band; write "
            f"'{match[1]} to {match[3]}' for a band, or the acuity alone"
        )
    best, worst = sorted((bound_logmar(match[1], notation), bound_logmar(match[3], notation)))
    if best == worst:
        raise AcuityError("both ends of the band are the same; write it as one acuity")
    return best, worst


def bound_logmar(reading: str, notation: str) -> float:
    """One bound in logMAR.

    Raises:
        AcuityError: If it cannot be read, or is an off-chart word.
    """
    acuity = parse_va(reading, notation)
    if acuity.off_chart:
        raise AcuityError(
            f"{acuity.off_chart} is no acuity on a chart, so it bounds nothing; write the last "
            f"line of the chart, such as 'worse than 0.05', or the word alone as the outcome"
        )
    return acuity.logmar
