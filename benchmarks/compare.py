"""Train many configurations on the same folds of a cohort and write one table.

    python benchmarks/compare.py PLAN.yaml --out runs/compare

The plan names the cohort, the rows and the row that the others are compared with
(docs/how-to/compare.md; `benchmarks/plans/` holds some). Started again it
continues, and rows, seeds, folds and held-out cohorts may be added to the plan.

Research use only. Not a medical device.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# So that a fresh clone can be compared from any folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console

from benchmarks.comparison.compare import compare
from ctt_net import INTENDED_USE
from ctt_net.cli.command import INTERRUPTED, WRONG_INPUT
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import parse_yaml
from ctt_net.launch import PLACES, Place


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description="Train many configurations on the same folds of a cohort, write one table.",
        epilog=INTENDED_USE,
    )
    parser.add_argument("plan", type=Path, metavar="PLAN", help="YAML file: what is compared")
    parser.add_argument("--out", type=Path, required=True, help="folder for runs and table")
    parser.add_argument("--cohort", type=Path, help="cohort folder (default: the plan's)")
    parser.add_argument(
        "--held-out",
        type=Path,
        action="append",
        help="held-out cohort folder, may be given again (default: the plan's)",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        help="trainings at a time; here with one thread each, 1 = one training on all cores "
        "(default: as many as cores, or as the cluster has room for)",
    )
    parser.add_argument(
        "--launcher",
        choices=PLACES,
        default="local",
        help="where the trainings run (default: %(default)s)",
    )
    parser.add_argument(
        "--launcher-options",
        default="{}",
        metavar="YAML",
        help="of a job on slurm or ray, such as '{partition: gpu, gpus_per_node: 1}'",
    )
    parser.add_argument(
        "--bootstrap", type=int, default=2000, help="resamples of patients (default: 2000)"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a comparison.

    Returns:
        0 done, 2 the input is wrong, 1 a row failed for another reason, 130 interrupted.
    """
    arguments = read_arguments(argv)
    console = Console(stderr=True)
    try:
        return compare(
            arguments.plan,
            arguments.out,
            cohort_folder=arguments.cohort,
            held_out_folders=arguments.held_out,
            place=Place(
                arguments.launcher,
                arguments.jobs,
                parse_yaml(arguments.launcher_options, "--launcher-options", plain=True),
            ),
            bootstrap=arguments.bootstrap,
            console=console,
        )
    except InputError as error:
        console.print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        return WRONG_INPUT
    except KeyboardInterrupt:
        console.print("interrupted; what was finished is kept, the same command goes on")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
