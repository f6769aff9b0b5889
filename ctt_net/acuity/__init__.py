"""Visual acuity: from the text of a patient record to logMAR, and back to every notation."""

from ctt_net.acuity.bands import BANDS, OFF_CHART_BAND, UNKNOWN_BAND, preop_band
from ctt_net.acuity.bounds import bound_logmar, parse_va_bounds
from ctt_net.acuity.convert import (
    decimal_from_logmar,
    five_mark_from_logmar,
    letters_from_logmar,
    logmar_from_decimal,
    logmar_from_five_mark,
    logmar_from_letters,
    logmar_from_snellen,
    snellen_from_logmar,
)
from ctt_net.acuity.notation import (
    REPORT_NOTATIONS,
    ReportNotation,
    chart_line,
    in_notation,
    on_chart,
    recorded_notation,
)
from ctt_net.acuity.off_chart import CENSORED, OFF_CHART_POLICIES
from ctt_net.acuity.parse import parse_va
from ctt_net.acuity.record import NOTATIONS, OFF_CHART, Acuity, AcuityError
from ctt_net.acuity.text import is_missing
