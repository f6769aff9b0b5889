"""`ctt-net audit`."""

import argparse
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.cli.exit_code import DONE, FOUND
from ctt_net.cli.parser import Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands, "audit", "look for shortcuts and leaks of a model on a cohort", run
    )
    parser.add_argument("model", type=Path, help="run folder or model folder")
    parser.add_argument("cohort", type=Path, help="cohort folder")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for audit.json and audit.html"
    )
    parser.add_argument(
        "--fail-on-findings",
        action="store_true",
        help=f"end with exit code {FOUND} if anything is found",
    )


def run(options: argparse.Namespace) -> int:
    """Exit code 0 whatever was found, unless findings are to fail."""
    from rich.console import Console

    from ctt_net.audit import audit
    from ctt_net.audit.report import PAGE_FILE, write_audit
    from ctt_net.io.atomic_write import check_writable
    from ctt_net.io.progress import progress_bar

    check_writable(options.out)
    with progress_bar("reading scans, then testing") as progress:
        done = audit(options.model, options.cohort, progress=progress, on_test=progress)
    write_audit(done, options.out)
    console = Console()

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    say(done.verdict())
    for finding in done.findings:
        say(f"finding: {finding.title} [{finding.code}]\n  {finding.result}\n  fix: {finding.fix}")
        for row in finding.rows[:5]:
            say(f"  row {row.row}, {row.eye_id}: {row.what}")
        if len(finding.rows) > 5:
            say(f"  and {len(finding.rows) - 5} more rows")
    say(f"report: {options.out / PAGE_FILE}")
    console.print(INTENDED_USE, style="dim", highlight=False)
    return FOUND if done.findings and options.fail_on_findings else DONE
