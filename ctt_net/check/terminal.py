"""Findings for a person at a terminal."""

from rich.console import Console
from rich.table import Table

from ctt_net.check.finding import Finding, Findings


def print_findings(findings: Findings) -> None:
    """Print facts, then findings, errors first, then whether the cohort can be trained on."""
    console = Console()
    table = Table(title=str(findings.root), show_header=False, title_justify="left")
    for name, value in findings.facts:
        table.add_row(name, value)
    if findings.facts:
        console.print(table, markup=False)
    for finding in findings.findings:
        console.print(_in_words(finding), highlight=False, markup=False, soft_wrap=True)
    console.print(findings.tally(), highlight=False)
    console.print(findings.verdict(), style="bold", highlight=False, soft_wrap=True)


def _in_words(finding: Finding) -> str:
    place = finding.place()
    lines = [
        f"{finding.severity}: {finding.title}"
        + (f" ({place})" if place else "")
        + f" [{finding.check}]",
        f"  {finding.message}",
    ]
    if finding.severity != "note":
        lines += [f"  why: {finding.why}", f"  fix: {finding.cure}"]
    return "\n".join(lines)
