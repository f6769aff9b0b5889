"""Simulate a cohort folder: `python datasets/synthetic/prepare.py OUT --eyes 400 --seed 0`.

Writes `cohort.yaml`, `manifest.csv`, `folds.csv`, two scans per eye and `truth.csv`. Simulated
eyes: no clinical validity. Research use only. Not a medical device.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# So that a fresh clone can simulate before anything is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rich.console import Console
from rich.progress import Progress

from ctt_net.errors import InputError
from ctt_net.synthetic.device import DEVICES
from ctt_net.synthetic.simulate import CohortPlan, simulate_cohort


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Simulate a cohort of cataract eyes with a known truth.",
        epilog="Simulated eyes: no clinical validity. Research use only. Not a medical device.",
    )
    names = [device.name for device in DEVICES]
    parser.add_argument(
        "out", type=Path, metavar="OUT", help="cohort folder to make; must not exist"
    )
    parser.add_argument("--eyes", type=int, default=400, help="operated eyes (default: 400)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bytes (default: 0)")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)"
    )
    parser.add_argument(
        "--start-patient",
        type=int,
        default=0,
        help="index of the first patient: further patients of the same seed (default: 0)",
    )
    parser.add_argument(
        "--id-prefix", help="start of every patient id (default: s<seed>, so seeds never collide)"
    )
    parser.add_argument(
        "--device", choices=names, help="scan everybody on this device (default: both, by chance)"
    )
    parser.add_argument(
        "--missing-views", type=float, default=0.0, help="share of eyes that lack one scan"
    )
    parser.add_argument(
        "--unseen-causes",
        type=float,
        default=0.0,
        help="share of eyes that see poorly for a cause no scan shows (default: 0)",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = read_arguments(argv)
    console = Console(stderr=True)
    try:
        plan = CohortPlan(
            n_eyes=arguments.eyes,
            seed=arguments.seed,
            first_patient=arguments.start_patient,
            id_prefix=arguments.id_prefix,
            devices=(arguments.device,) if arguments.device else CohortPlan.devices,
            missing_views=arguments.missing_views,
            unseen_causes=arguments.unseen_causes,
        )
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("simulating eyes", total=plan.n_eyes)
            cohort = simulate_cohort(
                arguments.out, plan, arguments.workers, lambda: progress.advance(task)
            )
    except InputError as error:
        console.print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        return 2
    miss = cohort.table.set_index("eye_id")["postop_logmar"] - cohort.potential()
    patients = cohort.table["patient_id"].nunique()
    print(f"{arguments.out}: {plan.n_eyes} simulated eyes of {patients} patients")
    print(f"oracle floor (mean absolute error of a perfect reader): {miss.abs().mean():.3f} logMAR")
    return 0


if __name__ == "__main__":
    sys.exit(main())
