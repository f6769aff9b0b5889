"""`ctt-net recalibrate`."""

import argparse
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "recalibrate",
        "fit a model's intervals and probabilities to a local cohort",
        run,
        ["ctt-net recalibrate runs/ctt_net data/local --out runs/ctt_net_local"],
    )
    parser.add_argument("model", type=Path, help="run folder or model folder")
    parser.add_argument("cohort", type=Path, help="local cohort of known outcome, unseen patients")
    parser.add_argument("--out", type=Path, required=True, help="folder to make: the new model")


def run(options: argparse.Namespace) -> int:
    """Recalibrate, and say what it changes and what it does not."""
    from ctt_net.inference.recalibrate import recalibrate
    from ctt_net.io.progress import progress_bar

    with progress_bar("reading scans") as progress:
        done = recalibrate(options.model, options.cohort, options.out, progress=progress)
    refitted = ", ".join(done.refitted) or "none (too few events)"
    print(
        f"recalibrated on {done.n_patients} patients; coverage of the intervals was "
        f"{done.coverage_before:.0%} here before and is set to {done.level:.0%} for similar "
        f"patients now\n"
        f"mean error here: {done.bias_logmar:+.3f} logMAR (not corrected; the intervals are wide "
        f"enough for it)\n"
        f"abstention: {done.unsure_before:.0%} of these eyes before, {done.unsure:.0%} now; eyes "
        f"out of distribution remain so\n"
        f"probabilities recalibrated: {refitted}\n"
        f"model: {done.out}\n{INTENDED_USE}"
    )
    return DONE
