"""`ctt-net check`: data validation of a cohort."""

import argparse
import sys
from pathlib import Path

from ctt_net.cli.command import DONE, WRONG_INPUT, Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "check",
        "validate a cohort folder: tables, scans, leaks",
        run,
        [
            "ctt-net check data/my_cohort",
            "ctt-net check data/my_cohort --out my_check      also as a page and as tables",
            "ctt-net check data/my_cohort --tables-only       seconds instead of minutes",
        ],
    )
    parser.add_argument("cohort", type=Path, help="cohort folder")
    parser.add_argument("--tables-only", action="store_true", help="do not read the scans")
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
