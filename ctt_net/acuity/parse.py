"""Reading one acuity as recorded, in the notation its column declares; nothing is guessed."""

import math
import re

from ctt_net.acuity.convert import (
    logmar_from_decimal,
    logmar_from_five_mark,
    logmar_from_letters,
    logmar_from_snellen,
)
from ctt_net.acuity.off_chart import OFF_CHART_POLICIES, logmar_of_off_chart, off_chart_word
from ctt_net.acuity.record import NOTATIONS, Acuity, AcuityError
from ctt_net.acuity.text import MAX_CHARACTERS, is_missing, looks_like_date, normalised

_EXPECTED = {
    "decimal": "a decimal from 0.001 to 2, such as 0.5",
    "logmar": "a logMAR in -0.3..3.0, such as 0.30",
    "snellen": "a fraction such as 20/40, 6/12 or 20/40-2",
    "etdrs": "whole ETDRS letters in 0..100, such as 73",
    "five_mark": "a mark in 3.3..5.3 such as 4.7, or 0, 1, 2, 3",
}
_CATEGORY_OF_MARK = {0.0: "NLP", 1.0: "LP", 2.0: "HM", 3.0: "CF"}

# 20/10, the best acuity any of the notations knows, and the R package eye's worst (Heeren).
_BEST_LOGMAR, _WORST_LOGMAR = -0.3011, 3.0
_SPREADSHEET_DAY_ONE_OF_1990 = 32874
_MAX_LETTERS_A_LINE = 5

_NUMBER = r"(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)"
_PLAIN_NUMBER = re.compile(rf"[-+]? ?{_NUMBER}(?:e[-+]?[0-9]{{1,3}})?")
# Stricter than a number alone: ".6/9" is a slip for 6/9, not a test at 60 cm.
_PART = r"[0-9]+(?:[.,][0-9]+)?"
_FRACTION = re.compile(rf"[-+]?{_PART} ?/ ?[-+]?{_PART}")
_FRACTION_AND_LETTERS = re.compile(
    rf"({_PART}) ?/ ?({_PART})(?: ?([-+]) ?([0-9]{{1,2}})| ?\(([-+]) ?([0-9]{{1,2}})\))?"
)


def parse_va(value: object, notation: str, off_chart_policy: str = "bach") -> Acuity:
    """Read a visual acuity as recorded.

    Off-chart words (English, Chinese) are read in every notation and get the logMAR of the
    policy; a distance beside them (`CF 1m`, `指数/眼前30cm`) is never read as an acuity.

    >>> parse_va("20/40-2", "snellen")
    Acuity(logmar=0.341029996, off_chart=None, text='20/40-2')
    >>> parse_va("HM/30cm", "decimal")
    Acuity(logmar=2.3, off_chart='HM', text='HM/30cm')

    Args:
        value: The cell, text or number.
        notation: What the column declares, one of `NOTATIONS`.
        off_chart_policy: Key of `OFF_CHART_POLICIES`.

    Raises:
        AcuityError: If it cannot be read as declared, is implausible, or is missing (ask
            `is_missing` first: a missing acuity has no value, least of all 0).
    """
    if notation not in NOTATIONS:
        raise AcuityError(f"notation {notation!r} is unknown; choose one of {', '.join(NOTATIONS)}")
    if off_chart_policy not in OFF_CHART_POLICIES:
        logmar_of_off_chart("CF", off_chart_policy)
    text = "" if value is None else str(value)
    if is_missing(value):
        raise AcuityError(
            f"{text!r} says that no acuity was recorded; treat it as missing (ask is_missing "
            "first), never as 0"
        )
    try:
        logmar, off_chart = _read(text, notation)
    except AcuityError as error:
        raise AcuityError(
            f"cannot read {_shown(text)} in a {notation} column (expected {_EXPECTED[notation]}, "
            f"or CF, HM, LP, NLP): {error}"
        ) from None
    if off_chart is not None:
        logmar = logmar_of_off_chart(off_chart, off_chart_policy)
    return Acuity(logmar, off_chart, text, notation)


def _read(text: str, notation: str) -> tuple[float, str | None]:
    """The logMAR, or NaN and the off-chart word whose value is the policy's to give."""
    if len(text) > MAX_CHARACTERS:
        raise AcuityError("too long for an acuity, check the quoting of the file")
    plain = normalised(text)
    word = off_chart_word(plain)
    if word is None and looks_like_date(plain):
        raise AcuityError(
            "a spreadsheet has turned it into a date (6/9 becomes 6-Sep); export the column again "
            "as text"
        )
    if word is None and notation == "five_mark" and _PLAIN_NUMBER.fullmatch(plain):
        word = _CATEGORY_OF_MARK.get(_number(plain))
    if word is not None:
        return math.nan, word
    logmar = _read_fraction(plain) if notation == "snellen" else _read_number(plain, notation)
    return round(logmar, 9) + 0.0, None


def _read_fraction(plain: str) -> float:
    match = _FRACTION_AND_LETTERS.fullmatch(plain)
    if match is None:
        raise AcuityError(_why_no_fraction(plain))
    sign, count = match[3] or match[5] or "+", int(match[4] or match[6] or 0)
    if count > _MAX_LETTERS_A_LINE:
        raise AcuityError(f"{sign}{count} letters are more than a line holds; check the entry")
    letters = count if sign == "+" else -count
    logmar = logmar_from_snellen(_number(match[1]), _number(match[2]), letters)
    if not _BEST_LOGMAR <= logmar <= _WORST_LOGMAR:
        raise AcuityError(
            f"{logmar:.2f} logMAR is implausible; are the two numbers the right way round?"
        )
    return logmar


def _why_no_fraction(plain: str) -> str:
    if _PLAIN_NUMBER.fullmatch(plain):
        return f"a plain number is no fraction, {_other_notation(_number(plain), 'snellen')}"
    if _FRACTION.fullmatch(plain):
        return "numerator and denominator must be above 0; check the entry"
    if _FRACTION.fullmatch(plain.rstrip("+- ")):
        return "a plus or minus needs its number of letters; add it or take the sign away"
    return "it is no acuity; correct it, or leave the cell empty if unknown"


def _read_number(plain: str, notation: str) -> float:
    if _PLAIN_NUMBER.fullmatch(plain) is None:
        if _FRACTION_AND_LETTERS.fullmatch(plain):
            raise AcuityError("it looks like a Snellen fraction; declare the column as snellen")
        raise AcuityError("it is no number; correct it, or leave the cell empty if unknown")
    number = _number(plain)
    if not _is_plausible(number, notation):
        raise AcuityError(_other_notation(number, notation))
    if notation == "decimal":
        return logmar_from_decimal(number)
    if notation == "etdrs":
        return logmar_from_letters(number)
    return logmar_from_five_mark(number) if notation == "five_mark" else number


def _is_plausible(number: float, notation: str) -> bool:
    if notation == "decimal":
        return 0.001 <= number <= 2
    if notation == "etdrs":
        # A mean of repeats may end in .5, but 0.5 or 4.7 letters are another notation.
        return 0 <= number <= 100 and (number.is_integer() or number > 5.3)
    if notation == "five_mark":
        return 3.3 <= number <= 5.3
    return _BEST_LOGMAR <= number <= _WORST_LOGMAR


def _other_notation(number: float, declared: str) -> str:
    """What an implausible number may have been meant as, and the fix."""
    if number == 0:
        return "0 is 20/20 in logMAR and NLP in five_mark; if unknown, leave the cell empty"
    if _SPREADSHEET_DAY_ONE_OF_1990 <= number <= 2 * _SPREADSHEET_DAY_ONE_OF_1990:
        return "it looks like a spreadsheet's day number; export the column again as text"
    numeric = [name for name in NOTATIONS if name not in (declared, "snellen")]
    likely = [name for name in numeric if _is_plausible(number, name)]
    if "five_mark" in likely and number >= 4:
        likely = ["five_mark"]
    if not likely:
        return "no notation knows it; correct it, or leave the cell empty if it means unknown"
    return f"it looks like {' or '.join(likely)}; declare the column so if the others agree"


def _number(plain: str) -> float:
    return float(plain.replace(" ", "").replace(",", "."))


def _shown(text: str) -> str:
    return repr(text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS // 2] + " ...")
