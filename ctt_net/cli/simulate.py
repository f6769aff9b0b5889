"""`ctt-net simulate`."""

import argparse
from pathlib import Path

from ctt_net.cli.command import DONE, Commands, add_command
from ctt_net.errors import InputError
from ctt_net.io.cores import cores

EYES = 400


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "simulate",
        "make a cohort, or one patient, of simulated eyes with a known truth",
        run,
        [
            "ctt-net simulate data/synthetic --eyes 400 --seed 0",
            "ctt-net simulate data/held_out --eyes 100 --seed 1",
            "ctt-net simulate data/additive --rule additive",
            "ctt-net simulate data/segmentation --extras --labels",
            "ctt-net simulate data/patient --patient",
        ],
    )
    parser.add_argument("out", type=Path, help="folder to make; must not exist")
    parser.add_argument(
        "--patient",
        action="store_true",
        help="make the folder of one patient, as ctt-net predict reads it; takes --seed only",
    )
    parser.add_argument("--eyes", type=int, help=f"operated eyes (default: {EYES})")
    parser.add_argument(
        "--seed", type=int, help="same seed, same bytes (default: 0; of a patient 2)"
    )
    parser.add_argument("--workers", type=int, help="processes (default: all cores)")
    parser.add_argument(
        "--start-patient",
        type=int,
        help="index of the first patient: further patients of the same seed (default: 0)",
    )
    parser.add_argument(
        "--id-prefix", help="start of every patient id (default: s<seed>, so seeds never collide)"
    )
    parser.add_argument("--device", help="scan everybody on this device (default: both, by chance)")
    parser.add_argument(
        "--missing-views", type=float, help="share of eyes that lack one scan (default: 0)"
    )
    parser.add_argument(
        "--rule",
        help="how acuity follows from the lesions: foveal, the best place they leave, with causes "
        "that no scan shows, or additive, the sum of their costs (default: foveal)",
    )
    parser.add_argument(
        "--unseen-causes",
        type=float,
        help="of the additive rule: share of eyes that see poorly for a cause no scan shows "
        "(default: 0)",
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
    if options.patient:
        return _run_patient(options)

    from rich.console import Console
    from rich.progress import Progress

    from ctt_net.synthetic.simulate import CohortPlan, simulate_cohort

    plan = CohortPlan(
        n_eyes=EYES if options.eyes is None else options.eyes,
        seed=options.seed or 0,
        first_patient=options.start_patient or 0,
        id_prefix=options.id_prefix,
        devices=(options.device,) if options.device else CohortPlan.devices,
        missing_views=options.missing_views or 0.0,
        unseen_causes=options.unseen_causes or 0.0,
        extras=options.extras,
        labels=options.labels,
        rule=options.rule or CohortPlan.rule,
    )
    workers = cores() if options.workers is None else options.workers
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("simulating eyes", total=plan.n_eyes)
        cohort = simulate_cohort(options.out, plan, workers, lambda: progress.advance(task))
    postop = cohort.table.set_index("eye_id")["postop_logmar"]
    patients = cohort.table["patient_id"].nunique()
    print(f"{options.out}: {plan.n_eyes} simulated eyes of {patients} patients")
    error = (postop - cohort.potential()).abs().mean()
    print(f"lowest achievable mean absolute error: {error:.3f} logMAR")
    readable = cohort.readable_potential()
    if readable is not None:
        error = (postop - readable).abs().mean()
        print(f"of a perfect reader of scans, age and preop VA: {error:.3f} logMAR")
    print("Simulated eyes: no clinical validity. Research use only. Not a medical device.")
    return DONE


def _run_patient(options: argparse.Namespace) -> int:
    """One patient; the true outcome, which no folder tells, is printed."""
    from ctt_net.synthetic.patient import simulate_patient

    of_cohorts = [
        name
        for name, value in vars(options).items()
        if name not in ("out", "patient", "seed", "command", "run") and value not in (None, False)
    ]
    if of_cohorts:
        raise InputError(
            f"--patient takes --seed only; leave out --{of_cohorts[0].replace('_', '-')}"
        )
    for row in simulate_patient(options.out, 2 if options.seed is None else options.seed):
        print(
            f"{options.out}: {row['laterality']} of simulated patient {row['patient_id']}, acuity "
            f"before {row['preop_va']}, after {row['postop_va']} ({row['postop_logmar']:.2f} "
            f"logMAR)"
        )
    print("Simulated eyes: no clinical validity. Research use only. Not a medical device.")
    return DONE
