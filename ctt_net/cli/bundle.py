"""`ctt-net bundle`."""

import argparse
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, add_command, needs_extra


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "bundle",
        "export a model as a MONAI Bundle",
        run,
        ["ctt-net bundle runs/ctt_net out/my_bundle"],
    )
    parser.add_argument("model", type=Path, help="run folder or model folder")
    parser.add_argument("out", type=Path, help="folder to make")
    parser.add_argument(
        "--scan-fingerprints",
        action="store_true",
        help="include fingerprints of the training scans, so that others can test whether a scan "
        "of theirs was among them; fingerprints of patients are never included",
    )


def run(options: argparse.Namespace) -> int:
    """Write the bundle, and say how it is run and what its author must still complete."""
    from ctt_net.io.atomic_folder import check_not_taken
    from ctt_net.model_folder.predictor import model_folders

    check_not_taken(options.out)  # before torch is loaded, which takes seconds
    model_folders(options.model)
    with needs_extra("a bundle", "train,bundle"):
        from ctt_net.export.monai_bundle.write import write_bundle
    done = write_bundle(options.model, options.out, options.scan_fingerprints)
    print(f"{done.members} networks; from predict they differ by {done.difference:.1g} at most")
    print(f"bundle: {options.out}\nrun it: see {options.out}/docs/README.md")
    print("to complete: authors and copyright in configs/metadata.json, LICENSE, docs/README.md")
    print(INTENDED_USE)
    return DONE
