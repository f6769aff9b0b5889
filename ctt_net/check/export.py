"""Findings as text for a terminal, JSON for programs and CSV for a spreadsheet."""

import csv
import io
import json

from rich.console import Console
from rich.table import Table

from ctt_net.check.finding import Finding, Findings
from ctt_net.io.formula import escape_formula

JSON_FILE = "findings.json"
CSV_FILE = "findings.csv"
_COLUMNS = ("severity", "check", "title", "row", "column", "message", "why", "fix")


def as_json(findings: Findings) -> str:
    """All findings as one JSON object."""
    return json.dumps(findings.to_dict(), ensure_ascii=False, indent=2) + "\n"


def as_csv(findings: Findings) -> str:
    """One line per finding and row of the manifest."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for finding in findings.findings:
        for row in finding.rows or ("",):
            cells = {**finding.to_dict(), "row": row, "column": finding.column or ""}
            writer.writerow({name: escape_formula(str(cells[name])) for name in _COLUMNS})
    return text.getvalue()


def print_findings(findings: Findings) -> None:
    """Print facts, then findings, errors first, then whether the cohort can be trained on."""
    console = Console()
    table = Table(title=str(findings.root), show_header=False, title_justify="left")
    for name, value in findings.facts:
        table.add_row(name, value)
    if findings.facts:
        console.print(table, markup=False)
    for finding in findings.findings:
        console.print(_as_text(finding), highlight=False, markup=False, soft_wrap=True)
    console.print(findings.tally(), highlight=False)
    console.print(findings.verdict(), style="bold", highlight=False, soft_wrap=True)


def _as_text(finding: Finding) -> str:
    place = f" ({finding.place()})" if finding.place() else ""
    lines = [f"{finding.severity}: {finding.title}{place} [{finding.code}]"]
    lines.append(f"  {finding.message}")
    if finding.severity != "note":
        lines += [f"  why: {finding.check.why}", f"  fix: {finding.check.fix}"]
    return "\n".join(lines)
