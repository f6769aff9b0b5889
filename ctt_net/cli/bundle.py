"""`ctt-net bundle`."""

import argparse
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.cli.exit_code import DONE
from ctt_net.cli.extra import needs_extra
from ctt_net.cli.parser import Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "bundle", "make a MONAI Bundle of a model, to hand it over", run)
    parser.add_argument("model", type=Path, help="run folder or model folder")
    parser.add_argument("out", type=Path, help="folder to make")
    parser.add_argument(
        "--scan-fingerprints",
        action="store_true",
        help="hand over fingerprints of the training's scans, so that others can see whether a "
        "scan of theirs took part; those of patients always stay here",
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
