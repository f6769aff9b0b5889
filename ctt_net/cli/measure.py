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
            "ctt-net measure data/my_cohort --add-to data/my_cohort_measured",
            "ctt-net measure data/patient_0042 --out out/0042 --axial-um 3.87 --lateral-um 11.3",
        ],
    )
    parser.add_argument("scans", type=Path, help="cohort folder, or a folder of scans")
    to = parser.add_mutually_exclusive_group(required=True)
    to.add_argument("--out", type=Path, help="new folder for the results")
    to.add_argument(
        "--add-to",
        type=Path,
        metavar="NEW_COHORT",
        help="new cohort folder: a copy of the cohort with measures as covariates",
    )
    parser.add_argument(
        "--measures",
        nargs="+",
        metavar="NAME",
        help="which measures --add-to adds, of every view (default: a short list)",
    )
    parser.add_argument(
        "--axial-um",
        type=_micrometres,
        metavar="UM",
        help="height of a pixel, where cohort.yaml or the device file does not say",
    )
    parser.add_argument(
        "--lateral-um", type=_micrometres, metavar="UM", help="distance of A-scans, likewise"
    )
    parser.add_argument(
        "--segmenter",
        type=Path,
        metavar="FOLDER",
        help="network of ctt-net train-segmenter (default: the one in this package)",
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

    root, out = options.scans, options.add_to or options.out
    if out.resolve().is_relative_to(root.resolve()):
        raise InputError(f"{out}: lies inside {root}; name a place outside it")
    check_not_taken(out)
    if options.add_to is not None:
        return _add(options)
    if options.measures is not None:
        raise InputError("--measures chooses what --add-to adds; --out has all measures")
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

    segmenter = Segmenter.load(options.segmenter)
    with progress_bar("measuring scans") as progress:
        table = write_measures(
            sources,
            segmenter,
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


def _add(options: argparse.Namespace) -> int:
    """Write the cohort with its measures, and say how many eyes have each."""
    from ctt_net.cohort import read_cohort
    from ctt_net.io.progress import progress_bar
    from ctt_net.measure import add_measures

    if options.axial_um or options.lateral_um or options.no_overlays or options.segmenter:
        raise InputError(
            "--add-to draws no overlays, takes the size of a pixel from 'devices' in cohort.yaml "
            "and the network of this package, so that predictions measure alike; leave the other "
            "options out"
        )
    cohort = read_cohort(options.scans)
    from ctt_net.biomarkers.segmenter import Segmenter  # slow, so after what may be refused

    with progress_bar("measuring scans") as progress:
        new, remarks = add_measures(
            cohort, options.add_to, options.measures or "default", Segmenter.load(), progress
        )
    for name, covariate in new.spec.covariates.items():
        if covariate.measured_in is not None:
            known = int(new.table[name].notna().sum())
            print(f"{name}: {known} of {count_of(len(new.table), 'eye')}")
    for remark in remarks:
        print(f"note: {remark}")
    print(f"cohort: {options.add_to}\nnext: ctt-net check {options.add_to}\n{INTENDED_USE}")
    return DONE
