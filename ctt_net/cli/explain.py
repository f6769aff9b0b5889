"""`ctt-net explain`."""

import argparse
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, add_command, add_preop_va, needs_extra


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "explain",
        "say why the eyes of one patient are predicted as they are",
        run,
        [
            "ctt-net explain data/patient_0042 --model runs/ctt_net --out out/0042_why",
            "ctt-net explain data/patient_0042 --model runs/ctt_net --out out/0042_why \\",
            "    --preop-va OD=20/60 --method gradient",
        ],
    )
    parser.add_argument("patient", type=Path, help="folder with one patient's scans")
    parser.add_argument("--model", type=Path, required=True, help="run folder or model folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    add_preop_va(parser)
    parser.add_argument(
        "--method",
        choices=("occlusion", "gradient"),
        default="occlusion",
        help="of the heat maps; gradient needs the extras train and explain (default: occlusion)",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace an earlier explanation in that folder, whosever it is",
    )


def run(options: argparse.Namespace) -> int:
    """Explain, and print what each input contributes to the prediction of each eye."""
    from ctt_net.acuity.convert import LOGMAR_PER_LETTER
    from ctt_net.inference.explain_patient import (
        EXPLANATION_FILE,
        check_no_earlier_explanation,
        explain_patient,
        picture_name,
    )
    from ctt_net.model_folder.predictor import Predictor

    check_no_earlier_explanation(options.out, options.overwrite)  # before torch is loaded
    predictor, networks = Predictor.load(options.model), None
    if options.method == "gradient":
        with needs_extra("a gradient-based heat map", "train,explain"):
            from ctt_net.training.architecture import load_network
        networks = [load_network(member.folder) for member in predictor.members]
    done = explain_patient(
        options.patient,
        predictor,
        options.out,
        tuple(options.preop_va),
        options.notation,
        networks=networks,
        overwrite=options.overwrite,
    )
    eyes = zip(done.predicted.prediction["eyes"], done.explanations, strict=True)
    for eye, one in eyes:
        print(f"{eye['laterality']}: predicted {one.predicted_logmar:.2f} logMAR")
        print(f"    {one.base_logmar:+.3f}  base: of an eye of which nothing is known")
        for part in one.contributions:
            letters = -part.logmar / LOGMAR_PER_LETTER
            print(f"    {part.logmar:+.3f}  {part.name} ({letters:+.1f} letters)")
        if eye["reason"]:
            print(f"    {'do not use' if eye['abstain'] else 'note'}: {eye['reason']}")
    print(f"explanation: {options.out / EXPLANATION_FILE}")
    for eye_view in done.heat_maps:
        print(f"heat map: {options.out / picture_name(*eye_view)}")
    print(INTENDED_USE)
    return DONE
