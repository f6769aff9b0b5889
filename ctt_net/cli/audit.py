"""`ctt-net audit`."""

import argparse
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, FINDINGS, Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "audit",
        "search a model and a cohort for shortcuts and data leaks",
        run,
        ["ctt-net audit runs/ctt_net data/held_out --out runs/ctt_net/audit"],
    )
    parser.add_argument("model", type=Path, help="run folder or model folder")
    parser.add_argument("cohort", type=Path, help="cohort folder")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for audit.json and audit.html"
    )
    parser.add_argument(
        "--fail-on-findings",
        action="store_true",
        help=f"end with exit code {FINDINGS} if anything is found",
    )


def run(options: argparse.Namespace) -> int:
    """Audit, and print each finding with its fix."""
    from rich.console import Console

    from ctt_net.audit import audit
    from ctt_net.audit.report import PAGE_FILE, write_audit
    from ctt_net.io.atomic_write import check_writable
    from ctt_net.io.progress import progress_bar

    check_writable(options.out)
    with progress_bar("reading scans, then testing") as progress:
        done = audit(options.model, options.cohort, progress=progress, on_test=progress)
    write_audit(done, options.out)
    lines = [done.verdict()]
    for one in done.findings:
        lines.append(f"finding: {one.title} [{one.code}]\n  {one.result}\n  fix: {one.fix}")
        lines += [f"  row {row.row}, {row.eye_id}: {row.what}" for row in one.rows[:5]]
        if len(one.rows) > 5:
            lines.append(f"  and {len(one.rows) - 5} more rows")
    lines.append(f"report: {options.out / PAGE_FILE}")
    console = Console()
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
    console.print(INTENDED_USE, style="dim", highlight=False)
    return FINDINGS if done.findings and options.fail_on_findings else DONE
