"""The command line: the only room that knows one. torch is imported by `train` and nothing else."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ctt_net import INTENDED_USE, __version__
from ctt_net.errors import InputError

DONE, FAULT_OF_OURS, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; the process's own by default.

    Returns:
        Exit code: 0 done, 2 the input is wrong, 1 our fault.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if arguments[:1] == ["train"]:  # its keys come from the constructors, not from here
            return _train(arguments[1:])
        options = _parser().parse_args(arguments)
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_INPUT
    except KeyboardInterrupt:
        print("interrupted; what was finished is kept", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ctt-net",
        description="Postoperative visual acuity from preoperative OCT B-scans.",
        epilog=INTENDED_USE,
    )
    parser.add_argument("--version", action="version", version=f"ctt-net {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    check = commands.add_parser(
        "check",
        help="say what is in a cohort folder and what is wrong with it",
        epilog=INTENDED_USE,
    )
    check.add_argument("cohort", type=Path, help="cohort folder")
    check.add_argument("--tables-only", action="store_true", help="do not open the scans")
    check.set_defaults(run=_check)

    commands.add_parser(
        "train", help="train the folds of a cohort from a config (needs ctt-net[train])"
    )

    evaluate = commands.add_parser(
        "evaluate", help="measure a model on a cohort it has not seen", epilog=INTENDED_USE
    )
    evaluate.add_argument("model", type=Path, help="run folder, model folder, or a predictions.csv")
    evaluate.add_argument("cohort", type=Path, help="cohort folder")
    evaluate.add_argument("--out", type=Path, required=True, help="folder for the results")
    evaluate.add_argument(
        "--allow-training-eyes",
        action="store_true",
        help="go on although patients or scans took part in the training",
    )
    evaluate.add_argument(
        "--interval-level",
        type=float,
        default=0.9,
        help="nominal coverage of the intervals in a predictions.csv (default: 0.9)",
    )
    evaluate.set_defaults(run=_evaluate)

    predict = commands.add_parser(
        "predict", help="predict the eyes of one patient's folder", epilog=INTENDED_USE
    )
    predict.add_argument("patient", type=Path, help="folder with one patient's scans")
    predict.add_argument("--model", type=Path, required=True, help="run folder or model folder")
    predict.add_argument("--out", type=Path, required=True, help="folder for the results")
    predict.add_argument(
        "--preop-va",
        action="append",
        default=[],
        metavar="EYE=VALUE",
        help="preoperative acuity, such as OD=20/60; once per eye",
    )
    predict.add_argument(
        "--notation", help="notation of --preop-va; fractions and words such as CF need none"
    )
    predict.set_defaults(run=_predict)
    return parser


def _train(arguments: Sequence[str]) -> int:
    try:
        from ctt_net.training.run import train
    except ModuleNotFoundError as error:
        if str(error.name).startswith("ctt_net"):
            raise
        raise InputError(
            f"training needs {error.name}, which is not installed; pip install 'ctt-net[train]'"
        ) from None
    finished = train(arguments)
    if finished.metrics is not None:
        _print_results(finished.metrics, finished.folder / "report.html")
    return DONE


def _check(options: argparse.Namespace) -> int:
    from ctt_net.doctor import examine, print_findings

    findings = examine(options.cohort, open_scans=not options.tables_only)
    print_findings(findings)
    return WRONG_INPUT if findings.has_errors else DONE


def _evaluate(options: argparse.Namespace) -> int:
    from ctt_net.evaluation import REPORT_FILE
    from ctt_net.inference.cohort import evaluate_model, evaluate_table
    from ctt_net.progress import progress_bar

    if options.model.suffix == ".csv":
        done = evaluate_table(options.model, options.cohort, options.out, options.interval_level)
    else:
        with progress_bar("reading scans") as progress:
            done = evaluate_model(
                options.model,
                options.cohort,
                options.out,
                allow_training_eyes=options.allow_training_eyes,
                progress=progress,
            )
    _print_results(done.metrics, done.out / REPORT_FILE)
    return DONE


def _print_results(metrics: dict, report: Path) -> None:
    from rich.console import Console

    from ctt_net.evaluation import render_table, verdict

    console = Console()
    console.print(render_table(metrics))
    console.print(verdict(metrics), highlight=False)
    for warning in metrics["warnings"]:
        console.print(f"note: {warning}", highlight=False, markup=False)
    console.print(f"report: {report}", highlight=False, soft_wrap=True, markup=False)
    console.print(INTENDED_USE, style="dim", highlight=False)


def _predict(options: argparse.Namespace) -> int:
    from ctt_net.inference.predict import predict_patient

    done = predict_patient(
        options.patient, options.model, options.out, tuple(options.preop_va), options.notation
    )
    for eye in done.prediction["eyes"]:
        before = eye["preop"]["text"] if eye["preop"] else "unknown"
        postop, interval = eye["postop"], eye["interval"]
        print(
            f"{eye['laterality']}: before {before}, predicted {postop['snellen_20ft']} "
            f"({postop['snellen_6m']}, {postop['logmar']:.2f} logMAR; {interval['level']:.0%} "
            f"interval {interval['lower_logmar']:.2f} to {interval['upper_logmar']:.2f})"
        )
        if eye["reason"]:
            print(f"    note: {eye['reason']}")
    print(f"prediction: {done.json_path}\nreport: {done.report_path}\n{INTENDED_USE}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
