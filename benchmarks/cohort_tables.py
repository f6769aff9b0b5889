"""How long the tables of a large cohort take: writing, reading, checking; seconds and peak memory.

Run from the checkout, no arguments needed:

    python -m benchmarks.cohort_tables
    python -m benchmarks.cohort_tables --rows 100000 --baseline 10000 --rounds 3 --scans

The large size and the small one are timed in turn, each round in a process of its own, so that a
busy neighbour slows both alike and the peak memory is of that size alone. Shown is the median
round; `cpu s` is the processor time of all three steps, which a neighbour disturbs less. Checking
is that of `ctt-net check --tables-only` and reads again. With
`--scans` every eye names two scans, empty files made before the clock starts; without, the
view cells are empty. The peak holds the interpreter and its libraries too.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.check import examine
from ctt_net.cohort import AcuityColumns, CohortSpec, Covariate, View, inspect_cohort, write_cohort

STEPS = ("write", "read", "check")
EYES_PER_FOLDER = 1000
VIEWS = {"horizontal": View(), "vertical": View(direction="vertical", angle_deg=90.0)}
SPEC = CohortSpec(
    name="made_for_timing",
    source="random numbers",
    licence="none",
    citation="none",
    synthetic=True,
    acuity=AcuityColumns(preop_va="decimal", postop_va="decimal"),
    views=VIEWS,
    covariates={
        "age_years": Covariate(kind="numeric", unit="years"),
        "sex": Covariate(kind="categorical", levels=("F", "M")),
        "diabetes": Covariate(kind="binary"),
    },
)
DECIMALS = np.array(["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.8", "1.0"])


def random_rows(count: int, seed: int = 0) -> pd.DataFrame:
    """Rows of a manifest: two eyes per patient, sites, devices and dates, no scans.

    Args:
        count: Number of eyes.
        seed: Of all that is random.
    """
    rng = np.random.default_rng(seed)
    number = np.arange(count)
    before = rng.integers(0, 5, count)
    surgery = np.datetime64("2012-01-01") + rng.integers(0, 4000, count)
    return pd.DataFrame(
        {
            "eye_id": [f"eye_{n:06d}" for n in number],
            "patient_id": [f"patient_{n // 2:06d}" for n in number],
            "laterality": np.where(number % 2, "OS", "OD"),
            "preop_va": DECIMALS[before],
            "postop_va": DECIMALS[before + rng.integers(0, 4, count)],
            **dict.fromkeys(VIEWS, ""),
            "age_years": rng.integers(40, 95, count).astype(str),
            "sex": rng.choice(["F", "M", ""], count, p=[0.5, 0.48, 0.02]),
            "diabetes": rng.choice(["0", "1", ""], count),
            "site": rng.choice([f"site_{k}" for k in range(12)], count),
            "device": rng.choice(["spectralis", "cirrus", "maestro"], count),
            "surgery_date": surgery.astype(str),
            "postop_date": (surgery + rng.integers(14, 120, count)).astype(str),
            "note": rng.choice(["", "", "silicone oil, removed later", "=see letter"], count),
        }
    )


def add_scans(rows: pd.DataFrame, root: Path) -> None:
    """Make an empty file for every view of every row, a thousand eyes to a folder."""
    for view in VIEWS:
        rows[view] = [f"scans/{n // EYES_PER_FOLDER}/{n}_{view}.png" for n in range(len(rows))]
        for name in rows[view]:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()


def measure(count: int, scans: bool) -> dict[str, float]:
    """Seconds of each step and the peak memory of this process, MB."""
    rows = random_rows(count)
    seconds = {}
    cpu = 0.0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if scans:
            add_scans(rows, root)
        actions = (
            lambda: write_cohort(root, SPEC, rows),
            lambda: inspect_cohort(root),
            lambda: examine(root, open_scans=False),
        )
        for step, action in zip(STEPS, actions, strict=True):
            start, cpu_start = time.perf_counter(), time.process_time()
            action()
            seconds[step] = time.perf_counter() - start
            cpu += time.process_time() - cpu_start
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        **seconds,
        "cpu": cpu,
        "peak_mb": kilobytes / (1024**2 if sys.platform == "darwin" else 1024),
    }


def measure_apart(count: int, scans: bool) -> dict[str, float]:
    """`measure` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.cohort_tables", "--only", str(count)]
    done = subprocess.run(
        [*command, *(["--scans"] if scans else [])], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000, help="the large size")
    parser.add_argument("--baseline", type=int, default=10_000, help="the small size beside it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scans", action="store_true", help="two scan files for every eye")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(options.only, options.scans)))
        return
    sizes = (options.baseline, options.rows)
    rounds = [[measure_apart(n, options.scans) for n in sizes] for _ in range(options.rounds)]
    print(
        f"{'rows':>8}"
        + "".join(f"{step + ' s':>10}" for step in STEPS)
        + f"{'cpu s':>10}{'peak MB':>10}"
    )
    for place, count in enumerate(sizes):
        median = {
            key: statistics.median(one[place][key] for one in rounds) for key in rounds[0][place]
        }
        cells = "".join(f"{median[step]:>10.2f}" for step in STEPS)
        print(f"{count:>8}{cells}{median['cpu']:>10.2f}{median['peak_mb']:>10.0f}")


if __name__ == "__main__":
    main()
