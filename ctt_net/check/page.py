"""`check.html`: the findings with the scans they concern, and a contact sheet of all scans."""

from pathlib import Path
from typing import Any

from ctt_net.check.finding import Findings
from ctt_net.check.scans.record import Scan
from ctt_net.cohort.manifest_text import read_flow

PAGE_FILE = "check.html"
TEMPLATES = Path(__file__).parent / "templates"

# A page of a few megabytes opens anywhere; one of all scans of a hospital does not.
_SHOWN_OF_A_FINDING = 12
_SHOWN_IN_ALL = 120


def page(findings: Findings, scans: list[Scan]) -> str:
    """The page: one file that loads nothing.

    Args:
        findings: What was found.
        scans: What was read.
    """
    from ctt_net.report.page import render  # imports the drawing library: slow

    by_path = {scan.record.path: scan for scan in scans}
    severe = [finding for finding in findings.findings if finding.severity != "note"]
    flagged = {path for finding in severe for path in finding.scans}
    cards = []
    for finding in findings.findings:
        shown = finding.scans[:_SHOWN_OF_A_FINDING] if finding.severity != "note" else ()
        pictures = _pictures([by_path[path] for path in shown], set())
        cards.append({"finding": finding, "pictures": pictures})
    n = min(len(scans), _SHOWN_IN_ALL)
    sheet = [scans[number * len(scans) // n] for number in range(n)]  # evenly over the manifest
    return render(
        "check.html",
        folder=TEMPLATES,
        title=f"Check of {findings.root.resolve().name}",
        synthetic=findings.synthetic,
        tally=findings.tally(),
        verdict=findings.verdict(),
        facts=findings.facts,
        flow=read_flow(findings.root),
        cards=cards,
        sheet=_pictures(sheet, flagged),
        n_scans=len(scans),
    )


def _pictures(scans: list[Scan], flagged: set[str]) -> list[dict[str, Any]]:
    return [
        {
            "source": f"data:image/jpeg;base64,{scan.record.thumbnail}",
            "caption": f"row {scan.row}, {scan.view}",
            "flagged": scan.record.path in flagged,
        }
        for scan in scans
        if scan.record.thumbnail
    ]
