"""`ctt-net report`."""

import argparse
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "report",
        "render the report of a run or an evaluation again",
        run,
        [
            "ctt-net report runs/ctt_net --out out/report",
            "ctt-net report runs/ctt_net --out out/report --gallery data/my_cohort",
        ],
    )
    parser.add_argument(
        "evaluation",
        type=Path,
        metavar="RUN_OR_EVALUATION",
        help="run folder or --out of evaluate",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the report")
    parser.add_argument(
        "--gallery",
        type=Path,
        metavar="COHORT",
        help="show the scans of the worst eyes, as the network sees them, from this cohort",
    )
    parser.add_argument(
        "--model",
        type=Path,
        help="model whose preprocessing the gallery shows (default: that of the run)",
    )


def run(options: argparse.Namespace) -> int:
    """Write the report."""
    from ctt_net.errors import InputError
    from ctt_net.io.atomic_write import check_writable
    from ctt_net.report.rerender import read_evaluated, render_again

    check_writable(options.out, "config.yaml")
    if options.gallery is not None:
        page = write_gallery(options.evaluation, options.out, options.gallery, options.model)
    elif options.model is not None:
        raise InputError("--model: only a gallery needs it; give --gallery COHORT too")
    else:
        page = render_again(read_evaluated(options.evaluation), options.out)
    print(f"report: {page}\n{INTENDED_USE}")
    return DONE


def write_gallery(evaluation: Path, out: Path, cohort: Path, model: Path | None) -> Path:
    """Write a report with the scans of the worst eyes in it.

    Args:
        evaluation: Run folder, or what an evaluation wrote.
        out: Folder for the report.
        cohort: Where the scans lie.
        model: Whose preprocessing is shown; None = that of the run, or the default one.

    Returns:
        The page.
    """
    from ctt_net.inference.gallery import gallery_pictures
    from ctt_net.io.progress import progress_bar
    from ctt_net.metrics.eyes import evaluated_eyes
    from ctt_net.report.largest_errors import failures
    from ctt_net.report.rerender import read_evaluated, render_again

    one = read_evaluated(evaluation)
    eyes = evaluated_eyes(one.predictions, None, None, ())
    if model is None and sorted(evaluation.glob("fold_*/model/model.yaml")):
        model = evaluation
    with progress_bar("reading scans") as progress:
        pictures = gallery_pictures(failures(eyes).eye_ids, cohort, model, progress)
    return render_again(one, out, pictures)
