"""`ctt-net recalibrate`."""

import argparse
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.cli.exit_code import DONE
from ctt_net.cli.parser import Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands, "recalibrate", "make a model's intervals hold for a local cohort", run
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
    print(
        f"recalibrated on {done.n_patients} patients; the intervals held "
        f"{done.coverage_before:.0%} of their eyes before, {done.level:.0%} is what they promise "
        f"to patients like these now"
    )
    print(
        f"mean error here: {done.bias_logmar:+.3f} logMAR (not corrected; the intervals allow it)"
    )
    print(
        f"too unsure to be used: {done.unsure_before:.0%} of these eyes before, {done.unsure:.0%} "
        f"now; eyes far from the training stay far"
    )
    refitted = ", ".join(done.refitted) or "none (too few events)"
    print(f"probabilities calibrated anew: {refitted}")
    print(f"model: {done.out}\n{INTENDED_USE}")
    return DONE
