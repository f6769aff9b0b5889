"""What one acuity reading is, and the error of one that cannot be read."""

from dataclasses import dataclass, field

from ctt_net.errors import InputError

NOTATIONS = ("decimal", "logmar", "snellen", "etdrs", "five_mark")
OFF_CHART = ("CF", "HM", "LP", "NLP")


class AcuityError(InputError):
    """An acuity that cannot be read: the message says what was read, expected, and the fix."""


@dataclass(frozen=True)
class Acuity:
    """One visual acuity.

    Args:
        logmar: logMAR, smaller is better; for off-chart words the value of the chosen policy.
        off_chart: `CF` (counting fingers), `HM` (hand motion), `LP` (light perception), `NLP`
            (no light perception), or None for an acuity measured on a chart.
        text: The reading as recorded, verbatim.
        notation: That it was read in, one of `NOTATIONS`; None if that is not known.
    """

    logmar: float
    off_chart: str | None
    text: str
    notation: str | None = field(default=None, repr=False, compare=False)
