"""What a hospital hands over, of simulated eyes: `python datasets/synthetic/hospital.py OUT`.

Writes a spreadsheet as people keep it, a folder of exports as devices name them, and the mapping
that `ctt-net prepare` reads both by; to try the first steps before one's own data are at hand.
Simulated eyes: no clinical validity. Research use only. Not a medical device.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

# So that a fresh clone can simulate before anything is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pandas as pd

from ctt_net.cohort import Cohort
from ctt_net.errors import InputError
from ctt_net.io.atomic_folder import new_folder
from ctt_net.synthetic import CohortPlan, simulate_cohort

MAPPING = Path(__file__).resolve().with_name("hospital.yaml")
NAMES = ("Abel", "Brandt", "Cohen", "Dietrich", "Engel", "Fischer", "Gruber", "Hahn")
FIRST_DAY = date(2024, 1, 8)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Simulate a hospital's spreadsheet and folder of exports.",
        epilog="Simulated eyes: no clinical validity. Research use only. Not a medical device.",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to make; must not exist")
    parser.add_argument("--eyes", type=int, default=40, help="operated eyes (default: 40)")
    parser.add_argument("--seed", type=int, default=4, help="same seed, same eyes (default: 4)")
    arguments = parser.parse_args(argv)
    try:
        write_hospital(arguments.out, arguments.eyes, arguments.seed)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{arguments.out}: eyes.xlsx, exports/, mapping.yaml")
    print(f"next: ctt-net prepare {arguments.out}/mapping.yaml {arguments.out}_cohort")
    return 0


def write_hospital(out: Path, n_eyes: int, seed: int) -> None:
    """Simulate the eyes and write them as a hospital would keep them.

    Args:
        out: Folder to make; must not exist.
        n_eyes: Operated eyes.
        seed: Which ones.

    Raises:
        InputError: If `out` exists, or there are too few eyes.
    """
    with new_folder(out) as folder, tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        cohort = simulate_cohort(Path(scratch) / "cohort", CohortPlan(n_eyes=n_eyes, seed=seed))
        numbers = {name: k for k, name in enumerate(cohort.table["patient_id"].unique(), start=1)}
        rows = []
        for position, eye in enumerate(cohort.table.to_dict("records")):
            number = numbers[eye["patient_id"]]
            rows.append(_row(eye, number, position))
            _export(cohort, eye, f"{number:05d}", folder / "exports")
        with pd.ExcelWriter(folder / "eyes.xlsx") as book:
            pd.DataFrame(rows).to_excel(book, sheet_name="Cataract 2024", index=False)
        (folder / "mapping.yaml").write_bytes(MAPPING.read_bytes())


def _row(eye: dict, number: int, position: int) -> dict[str, object]:
    """One line of the spreadsheet, with what people write there."""
    surgery = FIRST_DAY + timedelta(days=3 * position)
    seen = surgery + timedelta(days=int(eye["followup_days"]))
    return {
        "MRN": f"{number:05d}",
        "Name": NAMES[number % len(NAMES)],
        "Eye": {"OD": "R", "OS": "L"}[eye["laterality"]],
        "VA before": eye["preop_va"].replace("HM", "HM/30cm").replace("CF", "CF 1m"),
        "VA after": "" if position % 17 == 16 else eye["postop_va"],
        "Surgery": f"{surgery:%d.%m.%Y}",
        "Control": f"{seen:%d.%m.%Y}",
        "Age": -9 if position % 13 == 12 else round(eye["age_years"]),
        "Sex": {"F": 2, "M": 1}[eye["sex"]],
        "Diabetes": {0.0: "no", 1.0: "yes"}[eye["diabetes"]],
        "Complication": "capsule rupture" if position % 19 == 5 else "",
        "Clinic": eye["site"],
    }


def _export(cohort: Cohort, eye: dict, number: str, folder: Path) -> None:
    """Scans of one eye as a device names them."""
    for view, word in (("horizontal", "H"), ("vertical", "V")):
        scan = cohort.scan_path(eye, view)
        if scan is not None:
            side = {"OD": "R", "OS": "L"}[eye["laterality"]]
            (folder / number).mkdir(parents=True, exist_ok=True)
            scan.rename(folder / number / f"{number}_{side}_{word}_preop.png")


if __name__ == "__main__":
    sys.exit(main())
