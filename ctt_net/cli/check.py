"""`ctt-net check`: the doctor."""

import argparse
from pathlib import Path

from ctt_net.cli.exit_code import DONE, WRONG_INPUT
from ctt_net.cli.parser import Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands, "check", "say what is in a cohort folder and what is wrong with it", run
    )
    parser.add_argument("cohort", type=Path, help="cohort folder")
    parser.add_argument("--tables-only", action="store_true", help="do not open the scans")


def run(options: argparse.Namespace) -> int:
    """Exit code 2 if a training would refuse the cohort."""
    from ctt_net.doctor import examine, print_findings

    findings = examine(options.cohort, open_scans=not options.tables_only)
    print_findings(findings)
    return WRONG_INPUT if findings.has_errors else DONE
