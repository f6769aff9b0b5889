"""`ctt-net plan`."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ctt_net.cli.exit_code import DONE
from ctt_net.cli.parser import Commands, add_command
from ctt_net.errors import InputError

if TYPE_CHECKING:
    from ctt_net.planning.assumptions import Assumptions
    from ctt_net.planning.plan import StudyPlan

# Beyond these nothing can be planned: an acuity has an error of some letters, not of thousands.
_LOGMAR, _SHARE = (1e-4, 5.0), (1e-4, 0.9999)
_BOUNDS = {
    "eyes": (2, 10**8),
    "eyes_per_patient": (1, 2),
    "icc": (0, 1),
    "half_width": _LOGMAR,
    "half_width_share": (1e-4, 0.5),
    "sd_absolute_error": _LOGMAR,
    "sd_error": _LOGMAR,
    "coverage": _SHARE,
    "sd_difference": _LOGMAR,
    "auroc": _SHARE,
    "share_recovered": _SHARE,
    "parameters": (1, 10**5),
    "r2": _SHARE,
    "sd_outcome": _LOGMAR,
    "within": _LOGMAR,
}


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "plan", "say how many eyes a study needs", run)
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="also write plan.html, plan.csv and plan.json there"
    )
    parser.add_argument(
        "--from",
        dest="run_folder",
        type=Path,
        metavar="RUN",
        help="take what is assumed from a run, or from what evaluate wrote",
    )
    eyes = parser.add_argument_group("how many")
    eyes.add_argument(
        "--eyes", type=int, nargs="+", metavar="N", help="(default: 100 200 400 1000)"
    )
    eyes.add_argument("--eyes-per-patient", type=float, metavar="M", help="1 to 2 (default: 1)")
    eyes.add_argument("--icc", type=float, help="correlation of errors of fellow eyes, 0 to 1")
    eyes.add_argument(
        "--half-width", type=float, metavar="LOGMAR", help="wanted for errors (default: 0.02)"
    )
    eyes.add_argument(
        "--half-width-share", type=float, metavar="P", help="wanted for shares (default: 0.05)"
    )
    assumed = parser.add_argument_group("what is assumed (instead of --from)")
    for flag, words in (
        ("--sd-absolute-error", "SD of |error|, logMAR (default: 0.13)"),
        ("--sd-error", "SD of the error, logMAR"),
        ("--coverage", "share of eyes within their intervals (default: 0.9)"),
        ("--sd-difference", "SD of |error| minus that of a baseline, logMAR"),
        ("--auroc", "of a recovery outcome"),
        ("--share-recovered", "share of eyes with that outcome"),
    ):
        assumed.add_argument(flag, type=float, help=words)
    model = parser.add_argument_group("making and testing a regression")
    model.add_argument("--parameters", type=int, metavar="P", help="coefficients to be estimated")
    model.add_argument("--r2", type=float, help="expected, adjusted; cautiously")
    model.add_argument("--sd-outcome", type=float, help="SD of postoperative acuity, logMAR")
    curve = parser.add_argument_group("learning curve")
    curve.add_argument(
        "--curve",
        type=Path,
        metavar="CSV",
        help="comparison.csv, or a table with training_eyes, mae and perhaps mae_lo, mae_hi",
    )
    curve.add_argument("--row", help="which row of a comparison.csv")
    curve.add_argument("--evaluated", help="which eyes of a comparison.csv (default: out of fold)")
    curve.add_argument(
        "--within", type=float, metavar="LOGMAR", help="of the asymptote (default: 0.01)"
    )


def run(options: argparse.Namespace) -> int:
    """Print the plan, and write it if asked."""
    from ctt_net.io.atomic_write import check_writable
    from ctt_net.planning.learning_curve import read_learning_curve
    from ctt_net.planning.plan import make_plan
    from ctt_net.planning.report import as_json, write_plan

    for name, (low, high) in _BOUNDS.items():
        given = getattr(options, name)
        for value in given if isinstance(given, list) else [given]:
            if value is not None and not low <= value <= high:
                flag = name.replace("_", "-")
                raise InputError(f"--{flag} {value:g}: must lie in {low:g}..{high:g}")
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

    names = (
        *("sd_absolute_error", "sd_error", "coverage", "sd_difference", "auroc"),
        "share_recovered",
    )
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

    from ctt_net import INTENDED_USE
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
