"""Simulate one patient's folder: `python datasets/synthetic/patient.py OUT --seed 2`.

Writes the scans of the operated eyes, named by eye and view, and `patient.yaml` with the acuity
before surgery, as `ctt-net predict` reads them; prints what no folder tells, the true outcome.
Simulated eyes: no clinical validity. Research use only. Not a medical device.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# So that a fresh clone can simulate before anything is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ctt_net.errors import InputError
from ctt_net.io.yaml_file import dump_yaml
from ctt_net.synthetic import CohortPlan, simulate_cohort


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Simulate the folder of one patient.",
        epilog="Simulated eyes: no clinical validity. Research use only. Not a medical device.",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to make; must not exist")
    parser.add_argument("--seed", type=int, default=2, help="which patient (default: 2)")
    arguments = parser.parse_args(argv)
    try:
        write_patient(arguments.out, arguments.seed)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write_patient(out: Path, seed: int) -> None:
    """Simulate a few patients and keep the first.

    Args:
        out: Folder to make; must not exist.
        seed: Which patient.

    Raises:
        InputError: If `out` exists.
    """
    if out.exists():
        raise InputError(f"{out} exists already; name a new folder or remove it first")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        # A cohort of one patient has no folds; the smallest that has them costs a second or two.
        cohort = simulate_cohort(Path(scratch) / "cohort", CohortPlan(n_eyes=8, seed=seed))
        patient = cohort.table["patient_id"].iloc[0]
        rows = cohort.table[cohort.table["patient_id"] == patient].to_dict("records")
        folder = Path(scratch) / "patient"
        folder.mkdir()
        for row in rows:
            for view in cohort.spec.views:
                scan = cohort.scan_path(row, view)
                if scan is not None:
                    scan.rename(folder / f"{row['laterality']}_{view}.png")
        facts = {
            "patient_id": patient,
            "notation": cohort.spec.notation["preop_va"],
            "preop_va": {row["laterality"]: row["preop_va"] for row in rows},
            "covariates": {name: rows[0][name] for name in cohort.spec.covariates},
        }
        (folder / "patient.yaml").write_text(dump_yaml(facts), encoding="utf-8")
        folder.rename(out)
    for row in rows:
        print(
            f"{out}: {row['laterality']} of simulated patient {patient}, acuity before "
            f"{row['preop_va']}, after {row['postop_va']} ({row['postop_logmar']:.2f} logMAR)"
        )


if __name__ == "__main__":
    sys.exit(main())
