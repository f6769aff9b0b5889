"""`ctt-net predict`."""

import argparse
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.acuity import REPORT_NOTATIONS
from ctt_net.cli.command import DONE, WRONG_INPUT, Commands, add_command, add_preop_va
from ctt_net.errors import InputError, count_of
from ctt_net.inference.words import LANGUAGES


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "predict",
        "predict the eyes of one patient, or of many",
        run,
        [
            "ctt-net predict data/patient_0042 --model runs/ctt_net --out out/0042",
            "ctt-net predict data/patient_0042 --model runs/ctt_net --out out/0042 \\",
            "    --preop-va OD=20/60 --preop-va OS=unknown",
            "ctt-net predict data/patient_0042 --model runs/ctt_net --out out/0042 \\",
            "    --language zh --report-notation five_mark --heat-maps",
            "ctt-net predict data/patient_0042 --model runs/ctt_net --out out/0042 \\",
            "    --format json,html,dicom-sr,fhir",
            "ctt-net predict data/clinic --model runs/ctt_net --out out/clinic",
        ],
    )
    parser.add_argument(
        "patient",
        type=Path,
        help="folder with one patient's scans; or, for many patients, a folder of such folders, a "
        "cohort folder, or a table of files (CSV)",
    )
    parser.add_argument(
        "--model",
        type=Path,
        required=True,
        help="run folder or model folder; 'simulated' is one that comes with ctt-net, to try this "
        "with (no clinical validity)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    add_preop_va(parser, ", or of a table's preop_va")
    parser.add_argument(
        "--report-notation",
        choices=REPORT_NOTATIONS,
        help="notation of the report (default: that of the acuity before surgery)",
    )
    parser.add_argument(
        "--language", choices=LANGUAGES, default="en", help="of the report (default: %(default)s)"
    )
    parser.add_argument(
        "--heat-maps",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="show where in the scans the prediction comes from; takes seconds (default: no)",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace an earlier prediction in that folder, whosever it is; of many patients, "
        "begin anew",
    )
    parser.add_argument(
        "--format",
        default="json,html",
        metavar="LIST",
        help="also write dicom-sr (measurement report), dicom-sc (a page as a picture) or fhir, of "
        "one patient; json and html are always written (default: %(default)s)",
    )
    many = parser.add_argument_group("many patients")
    many.add_argument(
        "--workers", type=int, help="processes (default: all cores where it is worth it)"
    )
    many.add_argument(
        "--shard",
        metavar="I/N",
        help="only the I-th of N parts of the patients, into a folder of its own below --out",
    )
    many.add_argument(
        "--pages",
        action="store_true",
        help="write prediction.json and report.html of each patient, too",
    )


def run(options: argparse.Namespace) -> int:
    """Predict, and print one line per eye, or a summary of many patients."""
    from ctt_net.inference.patient_list import is_one_patient

    if not is_one_patient(options.patient):
        return _run_many(options)
    if options.workers is not None or options.pages or options.shard:
        raise InputError(
            f"{options.patient}: --workers, --pages and --shard are for many patients, and this is "
            f"one; leave them out"
        )
    from ctt_net.export.formats import exports_of
    from ctt_net.inference.patient_report import line_and_letters
    from ctt_net.inference.predict import predict_patient

    exports = exports_of(_formats(options))
    done = predict_patient(
        options.patient,
        options.model,
        options.out,
        tuple(options.preop_va),
        options.notation,
        overwrite=options.overwrite,
        heat_maps=options.heat_maps,
        language=options.language,
        report_notation=options.report_notation,
        exports=exports,
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
    for name in exports:
        print(f"written: {options.out / name}")
    print(f"prediction: {done.json_path}\nreport: {done.report_path}\n{INTENDED_USE}")
    return DONE


def _formats(options: argparse.Namespace) -> list[str]:
    return [name.strip() for name in options.format.split(",") if name.strip()]


def _run_many(options: argparse.Namespace) -> int:
    from ctt_net.inference.many import PAGES_FOLDER, Pages, predict_many
    from ctt_net.inference.many_rows import FAILED_FILE
    from ctt_net.inference.shard import Shard
    from ctt_net.io.progress import progress_bar

    if set(_formats(options)) - {"json", "html"}:
        raise InputError(
            f"{options.patient}: --format is for one patient, and this holds many; leave it out"
        )
    if options.preop_va:
        raise InputError(
            f"{options.patient}: --preop-va is for one patient, and this holds many; state the "
            f"acuity in each patient.yaml or in the table"
        )
    shown = (options.language, options.report_notation, options.heat_maps)
    if shown != ("en", None, False) and not options.pages:
        raise InputError(
            f"{options.patient}: --heat-maps, --language and --report-notation are of the pages, "
            f"which many patients have with --pages; add it, or leave them out"
        )
    shard = None if options.shard is None else Shard.parse(options.shard)
    out = options.out if shard is None else options.out / shard.folder
    with progress_bar("predicting patients") as progress:
        done = predict_many(
            options.patient,
            options.model,
            out,
            notation=options.notation,
            workers=options.workers,
            pages=Pages(out / PAGES_FOLDER, *shown) if options.pages else None,
            overwrite=options.overwrite,
            shard=shard,
            progress=progress,
        )
    before = f" ({count_of(done.kept, 'patient')} of an earlier run)" if done.kept else ""
    print(
        f"{count_of(done.patients, 'patient')}, {count_of(done.eyes, 'eye')}{before}; the model "
        f"abstains on {count_of(done.abstained, 'eye')}"
    )
    if done.failed:
        failed = out / FAILED_FILE
        print(f"{count_of(done.failed, 'patient')} not predicted: {failed}")
    print(f"predictions: {out}\n{INTENDED_USE}")
    return WRONG_INPUT if done.failed else DONE
