"""`ctt-net measure`."""

import argparse
import math
from dataclasses import replace
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, add_command
from ctt_net.errors import InputError, count_of


def _micrometres(text: str) -> float:
    value = float(text)
    if not 0.0 < value < math.inf:
        raise ValueError
    return value


_micrometres.__name__ = "length in micrometres"  # argparse names it in its message


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "measure",
        "measure hole, layers and lesions in every scan of a cohort or folder",
        run,
        [
            "ctt-net measure data/my_cohort --out out/measures",
            "ctt-net measure data/patient_0042 --out out/0042 --axial-um 3.87 --lateral-um 11.3",
        ],
    )
    parser.add_argument("scans", type=Path, help="cohort folder, or a folder of scans")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the results")
    parser.add_argument(
        "--axial-um",
        type=_micrometres,
        metavar="UM",
        help="height of a pixel, where cohort.yaml or the device file does not say",
    )
    parser.add_argument(
        "--lateral-um", type=_micrometres, metavar="UM", help="distance of A-scans, likewise"
    )
    parser.add_argument("--no-overlays", action="store_true", help="draw no pictures")


def run(options: argparse.Namespace) -> int:
    """Measure, and say how many scans could be measured."""
    from ctt_net.cohort import read_cohort
    from ctt_net.cohort.folder import SPEC_FILE
    from ctt_net.io.atomic_folder import check_not_taken
    from ctt_net.io.progress import progress_bar
    from ctt_net.measure import cohort_sources, folder_sources, write_measures
    from ctt_net.measure.run import CSV_FILE, PAGE_FILE

    root: Path = options.scans
    if options.out.resolve().is_relative_to(root.resolve()):
        raise InputError(f"{options.out}: lies inside {root}; name a place outside it")
    check_not_taken(options.out)
    cohort = read_cohort(root) if (root / SPEC_FILE).exists() else None
    sources = cohort_sources(cohort) if cohort else folder_sources(root)
    sources = [
        replace(
            one,
            axial_um=one.axial_um or options.axial_um,
            lateral_um=one.lateral_um or options.lateral_um,
        )
        for one in sources
    ]
    from ctt_net.biomarkers.segmenter import Segmenter  # slow, so after what may be refused

    with progress_bar("measuring scans") as progress:
        table = write_measures(
            sources,
            Segmenter.load(),
            options.out,
            title=f"Measures of {root.resolve().name}",
            synthetic=bool(cohort and cohort.spec.synthetic),
            overlays=not options.no_overlays,
            progress=progress,
        )
    measured = int(table["fovea_share"].notna().sum())
    print(f"{measured} of {count_of(len(table), 'scan')} measured")
    unknown = sum(one.axial_um is None or one.lateral_um is None for one in sources)
    if unknown:
        print(
            f"note: of {count_of(unknown, 'scan')} the size of a pixel is unknown, so lengths "
            f"are missing; declare devices in cohort.yaml or give --axial-um and --lateral-um"
        )
    print(f"table: {options.out / CSV_FILE}\npage: {options.out / PAGE_FILE}\n{INTENDED_USE}")
    return DONE
