"""`ctt-net check`: data validation of a cohort."""

import argparse
import sys
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
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="also write findings.json, findings.csv and check.html there; a second run with the "
        "same folder reads only scans that are new or changed",
    )


def run(options: argparse.Namespace) -> int:
    """Exit code 2 if there are errors."""
    from ctt_net.check import as_json, examine, print_findings

    findings = examine(options.cohort, not options.tables_only, options.out)
    if options.json:
        sys.stdout.write(as_json(findings))
    else:
        print_findings(findings)
    return WRONG_INPUT if findings.has_errors else DONE
