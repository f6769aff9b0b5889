"""`ctt-net prepare`: a spreadsheet and a folder of exports become a cohort."""

import argparse
from pathlib import Path

from ctt_net.cli.exit_code import DONE
from ctt_net.cli.parser import Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands, "prepare", "make a cohort folder from your spreadsheet and your exports", run
    )
    parser.add_argument("mapping", type=Path, help="mapping.yaml (see docs/mapping.md)")
    parser.add_argument("out", type=Path, help="cohort folder to make")
    parser.add_argument(
        "--raw",
        type=Path,
        metavar="FOLDER",
        help="what the paths in the mapping are relative to (default: the mapping's own folder)",
    )
    parser.add_argument(
        "--replace", action="store_true", help="exchange an existing cohort folder in one step"
    )
    parser.add_argument(
        "--tables-only", action="store_true", help="leave the scans out; every view is missing"
    )


def run(options: argparse.Namespace) -> int:
    """Prepare, and print the flow of eyes."""
    from ctt_net.intake import prepare_cohort
    from ctt_net.progress import progress_bar

    with progress_bar("copying scans") as progress:
        done = prepare_cohort(
            options.mapping,
            options.out,
            options.raw,
            replace=options.replace,
            tables_only=options.tables_only,
            progress=progress,
        )
    print(done.flow.to_string(index=False))
    for remark in done.remarks:
        print(f"warning: {remark}")
    if done.unused:
        shown = ", ".join(done.unused[:3]) + (", ..." if len(done.unused) > 3 else "")
        print(f"note: {len(done.unused)} scan files belong to no eye of the cohort ({shown})")
    print(f"cohort: {options.out}\nnext: ctt-net check {options.out}")
    return DONE
