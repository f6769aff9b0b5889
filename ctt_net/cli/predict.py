"""`ctt-net predict`."""

import argparse
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "predict",
        "predict the eyes of one patient's folder",
        run,
        [
            "ctt-net predict data/patient_0042 --model runs/ctt_net --out out/0042",
            "ctt-net predict data/patient_0042 --model runs/ctt_net --out out/0042 \\",
            "    --preop-va OD=20/60 --preop-va OS=unknown",
        ],
    )
    parser.add_argument("patient", type=Path, help="folder with one patient's scans")
    parser.add_argument("--model", type=Path, required=True, help="run folder or model folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--preop-va",
        action="append",
        default=[],
        metavar="EYE=VALUE",
        help="preoperative acuity, such as OD=20/60; once per eye",
    )
    parser.add_argument(
        "--notation", help="notation of --preop-va; fractions and words such as CF need none"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace an earlier prediction in that folder, whosever it is",
    )


def run(options: argparse.Namespace) -> int:
    """Predict, and print one line per eye."""
    from ctt_net.inference.patient_report import line_and_letters
    from ctt_net.inference.predict import predict_patient

    done = predict_patient(
        options.patient,
        options.model,
        options.out,
        tuple(options.preop_va),
        options.notation,
        overwrite=options.overwrite,
    )
    for eye in done.prediction["eyes"]:
        before = eye["preop"]["text"] if eye["preop"] else "unknown"
        postop, interval = eye["postop"], eye["interval"]
        print(
            f"{eye['laterality']}: before {before}, predicted {line_and_letters(postop)} "
            f"({postop['snellen_6m']}, {postop['logmar']:.2f} logMAR; {interval['level']:.0%} "
            f"interval {interval['lower_logmar']:.2f} to {interval['upper_logmar']:.2f})"
        )
        if eye["reason"]:
            print(f"    {'do not use' if eye['abstain'] else 'note'}: {eye['reason']}")
    for warning in done.prediction["model"]["warnings"]:
        print(f"note: {warning}")
    print(f"prediction: {done.json_path}\nreport: {done.report_path}\n{INTENDED_USE}")
    return DONE
