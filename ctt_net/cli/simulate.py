"""`ctt-net simulate`."""

import argparse
from pathlib import Path

from ctt_net.cli.command import DONE, Commands, add_command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "simulate",
        "make a cohort folder of simulated eyes with a known truth",
        run,
        [
            "ctt-net simulate data/synthetic --eyes 400 --seed 0",
            "ctt-net simulate data/held_out --eyes 100 --seed 1",
            "ctt-net simulate data/segmentation --extras --labels",
        ],
    )
    parser.add_argument("out", type=Path, help="cohort folder to make; must not exist")
    parser.add_argument("--eyes", type=int, default=400, help="operated eyes (default: 400)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bytes (default: 0)")
    parser.add_argument("--workers", type=int, help="processes (default: all cores)")
    parser.add_argument(
        "--start-patient",
        type=int,
        default=0,
        help="index of the first patient: further patients of the same seed (default: 0)",
    )
    parser.add_argument(
        "--id-prefix", help="start of every patient id (default: s<seed>, so seeds never collide)"
    )
    parser.add_argument("--device", help="scan everybody on this device (default: both, by chance)")
    parser.add_argument(
        "--missing-views", type=float, default=0.0, help="share of eyes that lack one scan"
    )
    parser.add_argument(
        "--unseen-causes",
        type=float,
        default=0.0,
        help="share of eyes that see poorly for a cause no scan shows (default: 0)",
    )
    parser.add_argument(
        "--extras",
        action="store_true",
        help="more forms of disease, vitreous and faulty scans; they cost no acuity",
    )
    parser.add_argument(
        "--labels",
        action="store_true",
        help="write the true layers and lesions of every scan to OUT/labels",
    )


def run(options: argparse.Namespace) -> int:
    """Simulate, and say what error the best possible reader of the scans would have."""
    import os

    from rich.console import Console
    from rich.progress import Progress

    from ctt_net.synthetic.simulate import CohortPlan, simulate_cohort

    plan = CohortPlan(
        n_eyes=options.eyes,
        seed=options.seed,
        first_patient=options.start_patient,
        id_prefix=options.id_prefix,
        devices=(options.device,) if options.device else CohortPlan.devices,
        missing_views=options.missing_views,
        unseen_causes=options.unseen_causes,
        extras=options.extras,
        labels=options.labels,
    )
    workers = os.cpu_count() or 1 if options.workers is None else options.workers
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("simulating eyes", total=plan.n_eyes)
        cohort = simulate_cohort(options.out, plan, workers, lambda: progress.advance(task))
    error = cohort.table.set_index("eye_id")["postop_logmar"] - cohort.potential()
    patients = cohort.table["patient_id"].nunique()
    print(f"{options.out}: {plan.n_eyes} simulated eyes of {patients} patients")
    print(f"lowest achievable mean absolute error: {error.abs().mean():.3f} logMAR")
    print("Simulated eyes: no clinical validity. Research use only. Not a medical device.")
    return DONE
