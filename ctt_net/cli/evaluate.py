"""`ctt-net evaluate`."""

import argparse
from pathlib import Path

from ctt_net.cli.command import DONE, Commands, add_command, print_results
from ctt_net.cli.report import write_gallery
from ctt_net.errors import InputError


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "evaluate",
        "measure a model on a held-out cohort, beside its comparators",
        run,
        [
            "ctt-net evaluate runs/ctt_net data/held_out --out runs/ctt_net/held_out",
            "ctt-net evaluate predictions.csv data/held_out --out out/table    no model needed",
        ],
    )
    parser.add_argument("model", type=Path, help="run folder, model folder, or a predictions.csv")
    parser.add_argument("cohort", type=Path, help="cohort folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--allow-training-eyes",
        action="store_true",
        help="go on although patients or scans took part in the training",
    )
    parser.add_argument(
        "--interval-level",
        type=float,
        help="nominal coverage of the intervals in a predictions.csv (default: 0.9)",
    )
    parser.add_argument(
        "--gallery",
        action="store_true",
        help="show the scans of the worst eyes in the report, as the network sees them",
    )


def run(options: argparse.Namespace) -> int:
    """Evaluate a model or a table."""
    from ctt_net.inference.evaluate import evaluate_model, evaluate_table
    from ctt_net.io.progress import progress_bar
    from ctt_net.report.evaluation_page import REPORT_FILE

    level = options.interval_level
    if options.model.suffix == ".csv":
        level = 0.9 if level is None else level
        done = evaluate_table(options.model, options.cohort, options.out, level)
    elif level is not None:
        raise InputError(
            f"--interval-level {level:g}: is the coverage of the intervals in a predictions.csv; a "
            f"model knows that of its own, so leave it out"
        )
    else:
        with progress_bar("reading scans") as progress:
            done = evaluate_model(
                options.model,
                options.cohort,
                options.out,
                allow_training_eyes=options.allow_training_eyes,
                progress=progress,
            )
    if options.gallery:
        model = None if options.model.suffix == ".csv" else options.model
        write_gallery(options.out, options.out, options.cohort, model)
    print_results(done.metrics, options.out / REPORT_FILE)
    return DONE
