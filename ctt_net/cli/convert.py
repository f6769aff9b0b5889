"""`ctt-net convert`."""

import argparse
from pathlib import Path

from ctt_net.cli.command import DONE, Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "convert",
        "extract the foveal B-scans of a raw device file",
        run,
        [
            "ctt-net convert macula.vol data/patient_0042",
            "ctt-net convert volume.fda out/volume --all",
        ],
    )
    parser.add_argument(
        "file",
        type=Path,
        help="Heidelberg .vol .xml .e2e, Topcon .fda .fds, Zeiss .img, DICOM OPT, "
        "or a folder or disc with one of them",
    )
    parser.add_argument("out", type=Path, help="new folder for PNG pictures and acquisition.yaml")
    parser.add_argument(
        "--lines", type=int, default=0, metavar="K", help="also K raster lines around the fovea"
    )
    parser.add_argument("--all", action="store_true", help="also every B-scan of the file")
    parser.add_argument(
        "--laterality",
        choices=("OD", "OS"),
        help="the eye, where the file does not say or holds both",
    )
    parser.add_argument(
        "--scan", type=int, metavar="N", help="which one, where the file holds several of that eye"
    )


def run(options: argparse.Namespace) -> int:
    """Write the folder, and say what is in it."""
    from ctt_net.devices.convert import convert

    done = convert(
        options.file, options.out, options.lines, options.all, options.laterality, options.scan
    )
    for note in done.notes:
        print(f"note: {note}")
    print(f"{len(done.files)} pictures: {options.out}")
    return DONE
