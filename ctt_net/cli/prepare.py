"""`ctt-net prepare`: a spreadsheet and a folder of exports become a cohort."""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ctt_net.cli.command import DONE, Commands, add_command
from ctt_net.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from ctt_net.prepare import CohortMapping


# More ids than this in one line help nobody at a terminal.
SHOWN = 10


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "prepare",
        "make a cohort folder from a spreadsheet and exported scans",
        run,
        [
            "ctt-net prepare --draft eyes.xlsx exports > mapping.yaml",
            "ctt-net prepare mapping.yaml data/my_cohort --hold-out 20%",
        ],
    )
    parser.add_argument(
        "mapping",
        type=Path,
        help="mapping.yaml (see docs/reference/mapping.md); with --draft the table",
    )
    parser.add_argument(
        "out",
        type=Path,
        nargs="?",
        help="cohort folder to make; with --draft the folder of the scans, if there are any",
    )
    parser.add_argument(
        "--draft",
        action="store_true",
        help="print a mapping for a table and a folder of scans, to be edited and then used",
    )
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
    add_hold_out(parser)


def add_hold_out(parser: argparse.ArgumentParser) -> None:
    """Declare the options that set patients aside for testing."""
    parser.add_argument(
        "--hold-out",
        type=_share,
        metavar="20%",
        help="share of the patients whose eyes go to a second cohort folder, OUT_held_out, to "
        "evaluate on and never to train on",
    )
    parser.add_argument(
        "--seed",
        type=int,
        help="of the draw of --hold-out (default: 0)",
    )


def _share(text: str) -> float:
    try:
        number = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"must be a share such as 20% or 0.2, got {text!r}")
    return number


def run(options: argparse.Namespace) -> int:
    """Prepare, and print the flow of eyes; or draft a mapping."""
    if options.draft:
        return _draft(options)
    if options.out is None:
        raise InputError(
            "name the cohort folder to make: ctt-net prepare MAPPING OUT; to draft a mapping: "
            "ctt-net prepare --draft TABLE FOLDER"
        )
    from ctt_net.prepare import read_mapping

    return prepare(read_mapping(options.mapping), options, options.raw)


def prepare(
    mapping: "CohortMapping",
    options: argparse.Namespace,
    raw: Path | None,
    table: "pd.DataFrame | None" = None,
    remarks: Sequence[tuple[str, int, str]] = (),
) -> int:
    """Write the cohort and print the flow of eyes, of a mapping or a recipe.

    Args:
        mapping: What means what.
        options: With out, replace, tables_only, hold_out and seed.
        raw: What the paths are relative to, None = the mapping's own folder.
        table: To be taken in place of the mapping's file.
        remarks: Step, count and unit of what a recipe has to say in the flow.
    """
    from ctt_net.io.progress import progress_bar
    from ctt_net.prepare import prepare_cohort

    if options.seed is not None and options.hold_out is None:
        raise InputError("--seed draws the patients of --hold-out; say --hold-out too")

    measured = mapping.file.measures is not None
    with progress_bar("copying and measuring scans" if measured else "copying scans") as progress:
        done = prepare_cohort(
            mapping,
            options.out,
            raw,
            replace=options.replace,
            tables_only=options.tables_only,
            table=table,
            remarks=remarks,
            progress=progress,
            hold_out=options.hold_out,
            seed=options.seed or 0,
        )
    print_flow(done.flow, options.out)
    for remark in done.remarks:
        print(f"warning: {remark}")
    if done.unused:
        shown = ", ".join(done.unused[:3]) + (", ..." if len(done.unused) > 3 else "")
        print(f"note: {len(done.unused)} scan files belong to no eye of the cohort ({shown})")
    if done.held_out is not None:
        print(f"held out: {done.held_out.root}, to evaluate on")
    print(f"cohort: {options.out}\nnext: ctt-net check {options.out}")
    return DONE


def print_flow(flow: "pd.DataFrame", out: Path) -> None:
    """Print the flow of eyes, and name those left out: the first few of each reason.

    Args:
        flow: With a column `ids`, parted by semicolons.
        out: Cohort folder, which holds all of them.
    """
    print(flow.drop(columns="ids").to_string(index=False))
    for step, ids in zip(flow["step"], flow["ids"].str.split("; "), strict=True):
        if ids != [""]:
            more = f", ... ({len(ids)} in all, see {out / 'flow.csv'})" if len(ids) > SHOWN else ""
            print(f"{step}: {', '.join(ids[:SHOWN])}{more}")


def _draft(options: argparse.Namespace) -> int:
    if options.raw is not None or options.replace or options.tables_only or options.hold_out:
        raise InputError("--draft prints a mapping only; leave out the other options")
    from ctt_net.prepare.draft.draft import draft_mapping

    draft = draft_mapping(options.mapping, options.out)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # a mapping is UTF-8 wherever it is written
    print(draft.text, end="")
    print(
        f"note: {draft.undecided} places say CHOOSE; answer them, read the rest, then: "
        f"ctt-net prepare mapping.yaml OUT",
        file=sys.stderr,
    )
    return DONE
