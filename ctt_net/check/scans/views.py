"""Whether each scan is a B-scan, upright, in the view that its column names."""

import re

from ctt_net.check.finding import Check, Finding
from ctt_net.check.scans.file_names import meaning_of_path
from ctt_net.check.scans.record import Scan, found_in
from ctt_net.cohort import View
from ctt_net.cohort.problem import Severity
from ctt_net.cohort.scan_names import VIEW_WORDS
from ctt_net.errors import count_of
from ctt_net.imaging import Note
from ctt_net.imaging.contradiction import DIRECTION_OF_ENDS

UNREADABLE = Check(
    "scan-unreadable",
    "Scan unreadable",
    "training stops at a file that cannot be read",
    "export the scan again, or leave the cell empty if the view is missing",
)
NOT_BSCAN = Check(
    "scan-not-bscan",
    "Not a B-scan",
    "a fundus or en-face picture has no layers",
    "give the B-scan of this eye, or leave the cell empty",
)
UPSIDE_DOWN = Check(
    "scan-upside-down",
    "Scan upside down",
    "the network expects the retina above the choroid",
    "turn the picture, or export it again without enhanced-depth inversion",
)
INVERTED = Check(
    "scan-inverted",
    "Grey levels inverted",
    "the network expects bright tissue on black, and reads the reverse as another eye",
    "export the scan again with white on black, or leave the cell empty",
)
REPORT_PAGE = Check(
    "scan-report-page",
    "Report page instead of a scan",
    "of a whole report page or screenshot the network receives mostly text, maps and margins",
    "export the B-scan alone, or crop it from the page",
)
NOT_MACULAR = Check(
    "scan-not-macular",
    "No B-scan of the macula",
    "the layers of a macula do not fit the picture, so the network would see one that is not there",
    "give the B-scan through the macula of this eye, or leave the cell empty",
)
NAME = Check(
    "view-vs-file-name",
    "File name names another view",
    "a horizontal scan in the vertical column is read as another part of the retina",
    "swap the two cells, or correct the path",
)
MARK = Check(
    "view-vs-mark",
    "Scan-direction mark shows another view",
    "the device's own scan-direction mark names the other view",
    "swap the two cells, or correct the path",
)
READER = Check(
    "scan-note",
    "Note of the scan reader",
    "the reader changed or doubts something; usually this is right",
    "compare one of these scans with its original",
)

_BY_CODE = {
    "not_a_bscan": NOT_BSCAN,
    "upside_down": UPSIDE_DOWN,
    "inverted": INVERTED,
    "report_page": REPORT_PAGE,
    "not_macular": NOT_MACULAR,
}


def unreadable(scans: list[Scan]) -> list[Finding]:
    """Files that cannot be read, one finding per view."""
    found = []
    for view in dict.fromkeys(scan.view for scan in scans):
        bad = [scan for scan in scans if scan.view == view and scan.record.error]
        if bad:
            messages = list(dict.fromkeys(scan.record.error for scan in bad))
            more = f"; and {len(messages) - 3} more such messages" if len(messages) > 3 else ""
            message = f"{len(bad)} unreadable: {' '.join(messages[:3])}{more}"
            found.append(found_in(bad, UNREADABLE, "error", message, view))
    return found


def note_findings(scans: list[Scan]) -> list[Finding]:
    """What the reader noted, each note once."""
    noted: dict[str, list[tuple[Note, Scan]]] = {}
    for scan in scans:
        for note in scan.record.notes:
            # Notes that differ in a number only (the column of a cut) are one note.
            noted.setdefault(re.sub(r"\d+", "#", note.text), []).append((note, scan))
    found = []
    for pairs in sorted(noted.values(), key=lambda pairs: -len(pairs)):
        note, members = pairs[0][0], [scan for _, scan in pairs]
        check = _BY_CODE.get(note.code, READER)
        message = f"{count_of(len(members), 'scan')}: {note.text}"
        severity: Severity = "note" if check is READER else "warning"
        found.append(found_in(members, check, severity, message, _only_view(members)))
    return found


def view_findings(scans: list[Scan], views: dict[str, View]) -> list[Finding]:
    """Scans whose name or mark names another view than their column."""
    words = view_words(views)
    by_name = [
        (s, view)
        for s in scans
        if (view := meaning_of_path(s.record.path, words)) not in (None, s.view)
    ]
    by_mark = [
        (s, d)
        for s in scans
        if s.direction in ("horizontal", "vertical")
        and (d := DIRECTION_OF_ENDS.get(s.record.ends or "", s.direction)) != s.direction
    ]
    found = []
    for check, wrong, what in ((NAME, by_name, "name"), (MARK, by_mark, "scan-direction mark")):
        if wrong:
            scan, view = wrong[0]
            message = (
                f"{count_of(len(wrong), 'scan')} whose {what} names another view: "
                f"{scan.record.path!r} is in column {scan.view}, but its {what} says {view} "
                f"(row {scan.row})"
            )
            members = [scan for scan, _ in wrong]
            found.append(found_in(members, check, "warning", message, _only_view(members)))
    return found


def view_words(views: dict[str, View]) -> dict[str, tuple[str, ...]]:
    """Words for each view: its own name and, where it alone has its direction, that one's."""
    directions = [view.direction for view in views.values()]
    return {
        name: (
            name.lower(),
            *(VIEW_WORDS.get(view.direction, ()) if directions.count(view.direction) == 1 else ()),
        )
        for name, view in views.items()
    }


def _only_view(scans: list[Scan]) -> str | None:
    views = {scan.view for scan in scans}
    return views.pop() if len(views) == 1 else None
