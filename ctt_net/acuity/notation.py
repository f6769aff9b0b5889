"""An acuity as a clinic writes it: the nearest chart line, in one of six notations."""

import math
from typing import Literal, get_args

from ctt_net.acuity.convert import (
    LOGMAR_PER_LETTER,
    five_mark_from_logmar,
    letters_from_logmar,
    snellen_from_logmar,
)
from ctt_net.acuity.record import Acuity, AcuityError

ReportNotation = Literal[
    "snellen_feet", "snellen_metres", "decimal", "logmar", "letters", "five_mark"
]
REPORT_NOTATIONS: tuple[ReportNotation, ...] = get_args(ReportNotation)

LINE_LOGMAR = 0.1
# Lines that a chart has, in tenths of logMAR.
BEST_LINE, WORST_LINE = -3, 16

_REPORTED_IN: dict[str, ReportNotation] = {
    "decimal": "decimal", "logmar": "logmar", "etdrs": "letters", "five_mark": "five_mark",
}  # fmt: skip

# Printed lines from -0.3 logMAR on: the series of ISO 8596, and of the Chinese standard chart
# (GB 11533), which prints 0.3, 0.6 and 1.2 for the same lines. The latter ends at 0.1; what is
# poorer is read from nearer and written as in the former.
_ISO = "2.0 1.6 1.25 1.0 0.8 0.63 0.5 0.4 0.32 0.25 0.2 0.16 0.125 0.1 0.08 0.063 0.05 0.04 0.032 0.025"  # noqa: E501
_CHINESE = (
    "2.0 1.5 1.2 1.0 0.8 0.6 0.5 0.4 0.3 0.25 0.2 0.15 0.12 0.1 0.08 0.06 0.05 0.04 0.03 0.025"
)
_DECIMALS = {"iso": _ISO.split(), "chinese": _CHINESE.split()}


def chart_line(logmar: float) -> int:
    """The nearest line in tenths of logMAR, clipped to what a chart has.

    >>> chart_line(0.08), chart_line(0.34), chart_line(1.9)
    (1, 3, 16)
    """
    return min(max(math.floor(logmar / LINE_LOGMAR + 0.5), BEST_LINE), WORST_LINE)


def on_chart(logmar: float) -> bool:
    """Whether the nearest line is one that a chart has.

    >>> on_chart(0.3), on_chart(1.9)
    (True, False)
    """
    return BEST_LINE <= math.floor(logmar / LINE_LOGMAR + 0.5) <= WORST_LINE


def in_notation(logmar: float, notation: ReportNotation, *, chinese_chart: bool = False) -> str:
    """An acuity as a clinic writes it: the nearest chart line; nearest letter for two of them.

    A logMAR is given to the letter (0.02), as such charts are scored.

    Args:
        logmar: Clipped to what a chart has: say beside it if `on_chart` is false.
        notation: One of `REPORT_NOTATIONS`.
        chinese_chart: Decimals as the Chinese standard chart prints them (0.6, not 0.63).

    Raises:
        AcuityError: If the notation is none of these, or logmar is no number.

    >>> [in_notation(0.22, one) for one in REPORT_NOTATIONS]
    ['20/32', '6/9.5', '0.63', '0.22', '74', '4.8']
    >>> in_notation(0.22, "decimal", chinese_chart=True), in_notation(1.9, "snellen_feet")
    ('0.6', '20/800')
    """
    if notation not in REPORT_NOTATIONS:
        raise AcuityError(
            f"report notation {notation!r} is unknown; choose one of {', '.join(REPORT_NOTATIONS)}"
        )
    if not math.isfinite(logmar):
        raise AcuityError(f"cannot write {logmar!r} logMAR in a notation")
    line = chart_line(logmar)
    shown = logmar if on_chart(logmar) else line * LINE_LOGMAR
    if notation == "logmar":
        rounded = math.floor(shown / LOGMAR_PER_LETTER + 0.5) * LOGMAR_PER_LETTER
        return f"{rounded + 0.0:.2f}".replace("-0.00", "0.00")
    if notation == "letters":
        letters = letters_from_logmar(min(max(shown, -0.3), 1.7))
        return str(letters)
    if notation == "five_mark":
        return f"{five_mark_from_logmar(line * LINE_LOGMAR):.1f}"
    if notation == "decimal":
        return _DECIMALS["chinese" if chinese_chart else "iso"][line - BEST_LINE]
    return snellen_from_logmar(
        line * LINE_LOGMAR, "feet" if notation == "snellen_feet" else "metres"
    )


def recorded_notation(acuity: Acuity) -> ReportNotation | None:
    """The notation to report in, of an acuity as it was recorded; None of words such as CF.

    >>> recorded_notation(Acuity(0.477, None, "20/60", "snellen"))
    'snellen_feet'
    """
    if acuity.off_chart or acuity.notation is None:
        return None
    if acuity.notation == "snellen":
        distance = acuity.text.strip().partition("/")[0].strip()
        return "snellen_feet" if distance in ("20", "15", "10") else "snellen_metres"
    return _REPORTED_IN[acuity.notation]
