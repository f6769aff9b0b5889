"""`check.html`: the findings with the scans they concern, and a sheet of all scans."""

import base64
from pathlib import Path
from typing import Any

from ctt_net.check.finding import Findings
from ctt_net.check.scans.cache import KeptRecords
from ctt_net.check.scans.reading import Scan
from ctt_net.cohort.manifest_text import read_flow
from ctt_net.errors import InputError

PAGE_FILE = "check.html"
TEMPLATES = Path(__file__).parent / "templates"

# A page of a few megabytes opens anywhere; one of all scans of a hospital does not.
_SHOWN_OF_A_FINDING = 12
_SHOWN_IN_ALL = 120


def page(findings: Findings, scans: list[Scan], kept: KeptRecords) -> str:
    """The page: one file that loads nothing.

    Args:
        findings: What was found.
        scans: What was read.
        kept: Holds the thumbnails.
    """
    # Here and not above: it loads the drawing library, which a look at the terminal needs not.
    from ctt_net.report.page import render

    by_path = {scan.record.path: scan for scan in scans}
    flagged = {
        path
        for finding in findings.findings
        if finding.severity != "note"
        for path in finding.scans
    }
    cards = [
        {
            "finding": finding,
            "pictures": _pictures(
                [by_path[path] for path in finding.scans[:_SHOWN_OF_A_FINDING]], kept, set()
            )
            if finding.severity != "note"
            else [],
        }
        for finding in findings.findings
    ]
    sheet = _evenly(scans, _SHOWN_IN_ALL)
    return render(
        "check.html",
        folder=TEMPLATES,
        title=f"Check of {findings.root.resolve().name}",
        synthetic=findings.synthetic,
        tally=findings.tally(),
        verdict=findings.verdict(),
        facts=findings.facts,
        flow=_flow(findings.root),
        cards=cards,
        sheet=_pictures(sheet, kept, flagged),
        n_scans=len(scans),
    )


def _flow(root: Path) -> list[list[str]]:
    """Header and steps of `flow.csv`; nothing where there is none or it is no table."""
    try:
        flow = read_flow(root)
    except InputError:
        return []
    return [] if flow is None else [list(map(str, flow.columns)), *flow.to_numpy().tolist()]


def _evenly(scans: list[Scan], most: int) -> list[Scan]:
    """All, or as many as the page may hold, evenly over the manifest."""
    if len(scans) <= most:
        return scans
    return [scans[number * len(scans) // most] for number in range(most)]


def _pictures(scans: list[Scan], kept: KeptRecords, flagged: set[str]) -> list[dict[str, Any]]:
    pictures = []
    for scan in scans:
        path = kept.thumbnail(scan.record)
        if path is not None:
            data = base64.b64encode(path.read_bytes()).decode("ascii")
            pictures.append(
                {
                    "source": f"data:image/jpeg;base64,{data}",
                    "caption": f"row {scan.row}, {scan.view}",
                    "flagged": scan.record.path in flagged,
                }
            )
    return pictures
