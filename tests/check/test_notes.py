"""Each note of the reader becomes the finding of its kind."""

import pytest

from ctt_net.check.scans.record import Scan, ScanRecord
from ctt_net.check.scans.views import note_findings
from ctt_net.imaging import UNUSABLE_NOTES, Note


def noted(row, note):
    record = ScanRecord(f"{row}.png", 1, 1, notes=(note,))
    return Scan(row - 2, row, "horizontal", "OD", "horizontal", record)


@pytest.mark.parametrize("code", sorted(UNUSABLE_NOTES))
def test_what_no_network_can_read_is_a_warning_that_names_the_rows(code):
    (finding,) = note_findings([noted(row, Note(code, "something is odd")) for row in (4, 7)])
    assert (finding.severity, finding.rows) == ("warning", (4, 7))
    assert finding.code.startswith("scan-")
    assert finding.code != "scan-note"
    assert finding.message == "2 scans: something is odd"


def test_any_other_note_is_a_note():
    (finding,) = note_findings([noted(4, Note("grey_scale", "read on a scale of 0 to 1023"))])
    assert (finding.code, finding.severity) == ("scan-note", "note")
    assert finding.message.startswith("1 scan: ")
