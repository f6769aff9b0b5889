"""What measuring a scan costs: milliseconds of one core to read, segment and measure it.

Run from the checkout, with one thread:

    OMP_NUM_THREADS=1 python -m benchmarks.measure_scans                 # simulated scans
    OMP_NUM_THREADS=1 python -m benchmarks.measure_scans data/my_scans   # those of a folder
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ctt_net.biomarkers import Segmenter, measure
from ctt_net.imaging import read_bscan
from ctt_net.synthetic import CohortPlan, simulate_cohort

SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")


def main() -> None:
    """Time each step over all scans, twice; the second time counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="of scans (default: simulated ones)")
    parser.add_argument("--scans", type=int, default=100, help="at most (default: 100)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder
        if folder is None:
            folder = Path(name) / "cohort"
            simulate_cohort(folder, CohortPlan(n_eyes=(options.scans + 1) // 2, seed=0))
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        files = files[: options.scans]
        segmenter = Segmenter.load()
        for _ in range(2):
            pixels, reading = timed(lambda path: read_bscan(path).pixels, files)
            found, segmenting = timed(segmenter.segment, pixels)
            _, measuring = timed(lambda one: measure(one, 4.0, 8.0), found)
    total = reading + segmenting + measuring
    print(
        f"{len(files)} scans: {total:.0f} ms of one core each; reading {reading:.0f}, "
        f"segmenting {segmenting:.0f}, measuring {measuring:.0f}"
    )


def timed(step: Callable[[Any], Any], inputs: list[Any]) -> tuple[list[Any], float]:
    """Results, and milliseconds of processor time an input."""
    began = time.process_time()
    results = [step(one) for one in inputs]
    return results, 1000.0 * (time.process_time() - began) / len(inputs)


if __name__ == "__main__":
    main()
