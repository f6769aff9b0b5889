"""`ctt-net plan`."""

import argparse
import sys
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, add_command
from ctt_net.errors import InputError

if TYPE_CHECKING:
    from ctt_net.planning.assumptions import Assumptions
    from ctt_net.planning.plan import StudyPlan

_LOGMAR, _SHARE = (1e-4, 5.0), (1e-4, 0.9999)

# Group of the help to its options: name, type, bounds, help. Beyond the bounds nothing can be
# planned: an acuity has an error of some letters, not of thousands.
_OPTIONS: dict[str, tuple[tuple[str, type, tuple[float, float], str], ...]] = {
    "sample size": (
        ("eyes", int, (2, 10**8), "numbers of eyes to plan for (default: 100 200 400 1000)"),
        ("eyes-per-patient", float, (1, 2), "1 to 2 (default: 1)"),
        ("icc", float, (0, 1), "correlation of errors of fellow eyes, 0 to 1"),
        ("half-width", float, _LOGMAR, "wanted for errors, logMAR (default: 0.02)"),
        ("half-width-share", float, (1e-4, 0.5), "wanted for shares (default: 0.05)"),
    ),
    "assumptions (instead of --from)": (
        ("sd-absolute-error", float, _LOGMAR, "SD of |error|, logMAR (default: 0.13)"),
        ("sd-error", float, _LOGMAR, "SD of the error, logMAR"),
        ("coverage", float, _SHARE, "share of eyes within their intervals (default: 0.9)"),
        ("sd-difference", float, _LOGMAR, "SD of |error| minus that of a baseline, logMAR"),
        ("auroc", float, _SHARE, "of a recovery outcome"),
        ("share-recovered", float, _SHARE, "share of eyes with that outcome"),
    ),
    "developing and validating a regression": (
        ("parameters", int, (1, 10**5), "coefficients to be estimated"),
        ("r2", float, _SHARE, "expected, adjusted; a cautious value"),
        ("sd-outcome", float, _LOGMAR, "SD of postoperative acuity, logMAR"),
    ),
    "learning curve": (
        ("within", float, _LOGMAR, "distance from the asymptote, logMAR (default: 0.01)"),
    ),
}


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "plan",
        "compute how many eyes a study needs",
        run,
        [
            "ctt-net plan --eyes 100 400 --half-width 0.02",
            "ctt-net plan --from runs/ctt_net --out out/plan",
        ],
    )
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="also write plan.html and plan.json there"
    )
    parser.add_argument(
        "--from",
        dest="run_folder",
        type=Path,
        metavar="RUN",
        help="take the assumptions from a run, or from what evaluate wrote",
    )
    for title, described in _OPTIONS.items():
        group = parser.add_argument_group(title)
        for name, kind, _, words in described:
            many = "+" if name == "eyes" else None
            metavar = "N" if kind is int else "X"
            group.add_argument(f"--{name}", type=kind, help=words, metavar=metavar, nargs=many)
    group.add_argument(
        "--curve",
        type=Path,
        metavar="CSV",
        help="comparison.csv, or a table with training_eyes, mae and perhaps mae_lo, mae_hi",
    )
    group.add_argument("--row", help="which row of a comparison.csv")
    group.add_argument("--evaluated", help="which eyes of a comparison.csv (default: out of fold)")


def run(options: argparse.Namespace) -> int:
    """Print the plan, and write it if asked."""
    from ctt_net.io.atomic_write import check_writable
    from ctt_net.planning.learning_curve import read_learning_curve
    from ctt_net.planning.plan import make_plan
    from ctt_net.planning.report import as_json, write_plan

    for name, _, (low, high), _ in chain(*_OPTIONS.values()):
        given = getattr(options, name.replace("-", "_"))
        for value in given if isinstance(given, list) else [given]:
            if value is not None and not low <= value <= high:
                raise InputError(f"--{name} {value:g}: must lie in {low:g}..{high:g}")
    if options.out is not None:
        check_writable(options.out, "config.yaml")
    curve = None
    if options.curve is not None:
        curve = read_learning_curve(options.curve, options.row, options.evaluated)
    chosen = {
        "eyes": options.eyes,
        "wanted_logmar": options.half_width,
        "wanted_share": options.half_width_share,
        "within": options.within,
    }
    plan = make_plan(
        _assumptions(options),
        parameters=options.parameters,
        curve=curve,
        **{name: value for name, value in chosen.items() if value is not None},
    )
    page = None if options.out is None else write_plan(plan, options.out)
    if options.json:
        sys.stdout.write(as_json(plan))
    else:
        _print(plan, page)
    return DONE


def _assumptions(options: argparse.Namespace) -> "Assumptions":
    from ctt_net.planning.assumptions import Assumptions, from_run, guessed

    assumptions = _OPTIONS["assumptions (instead of --from)"]
    names = [name.replace("-", "_") for name, *_ in assumptions]
    guesses = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.run_folder is None:
        assumed = Assumptions(guessed(**guesses))
    elif guesses:
        flag = "--" + next(iter(guesses)).replace("_", "-")
        raise InputError(f"{flag} and --from: say what is assumed, or name the run, not both")
    else:
        assumed = from_run(options.run_folder)
    for name in ("eyes_per_patient", "r2", "sd_outcome"):
        if getattr(options, name) is not None:
            assumed = replace(assumed, **{name: getattr(options, name)})
    return assumed if options.icc is None else assumed.with_correlation(options.icc)


def _print(plan: "StudyPlan", page: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    from ctt_net.planning.report import CRITERIA, curve_rows, half_width_text

    console = Console(highlight=False, markup=False)
    console.print(f"assumed from {plan.source}; {plan.eyes_per_patient:.2f} eyes a patient")
    table = Table("95% interval", "assumed", *(f"{n:,} eyes" for n in plan.eyes), "eyes needed")
    for line in plan.lines:
        widths = [half_width_text(line, half) for half in line.half_widths]
        needed = f"{line.eyes_needed:,} for {half_width_text(line, line.wanted)}"
        table.add_row(line.name, line.basis, *widths, needed)
    console.print(table)
    for title, sizes in (
        (f"patients to make a regression of {plan.parameters} parameters", plan.development),
        ("patients to test a well-calibrated model on", plan.validation),
    ):
        if sizes:
            console.print(f"{title} ({plan.independent}): {sizes['needed']:,}")
            for name, patients in sizes.items():
                if name != "needed":
                    console.print(f"  {patients:>9,}  {CRITERIA[name]}")
    if plan.curve is not None:
        console.print("learning curve a + b n^-c:")
        for what, value in curve_rows(plan.curve, plan.within):
            console.print(f"  {what}: {value}")
    for note in plan.notes():
        console.print(f"note: {note}")
    if page is not None:
        console.print(f"page: {page}", soft_wrap=True)
    console.print(INTENDED_USE, style="dim")
