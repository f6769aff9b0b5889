"""Findings as files: JSON for programs, CSV for a spreadsheet."""

import csv
import io
import json

from ctt_net.check.finding import Findings
from ctt_net.io.formula import escape_formula

JSON_FILE = "findings.json"
CSV_FILE = "findings.csv"

_COLUMNS = ("severity", "check", "row", "column", "message", "why", "cure")


def as_json(findings: Findings) -> str:
    """All findings as one JSON object."""
    return json.dumps(findings.to_dict(), ensure_ascii=False, indent=2) + "\n"


def as_csv(findings: Findings) -> str:
    """One line per finding and row of the manifest, to be worked through in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for finding in findings.findings:
        for row in finding.rows or ("",):
            cells = (finding.severity, finding.check, row, finding.column or "")
            words = (finding.message, finding.why, finding.cure)
            writer.writerow([escape_formula(str(cell)) for cell in (*cells, *words)])
    return text.getvalue()
