"""Time and memory of training and evaluation by the number of eyes.

```sh
python -m benchmarks.large_cohort --eyes 10000 100000 500000
```

A cohort whose files are links to the scans of 32 simulated eyes, kept in the scan cache already,
as a real one is from the second command on. Each size is trained for an epoch, and evaluated, by a
process of its own: a small network on small scans, so that what is timed is all but the network.
Memory is what the process holds itself, without pages of the cache. The evaluation is of the
training eyes and says nothing of the network. Simulated eyes: no clinical validity.
Research use only. Not a medical device.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import psutil

import ctt_net
from ctt_net.cohort import read_cohort
from ctt_net.data.scan_cache import ScanCache
from ctt_net.data.scans import load_scans, scan_tasks
from ctt_net.imaging import Preprocessing

DRAWN = 32
SMALL: dict[str, Any] = {
    "model": {
        "backbone": {"class_path": "SmallConvBackbone", "init_args": {"widths": [4, 8, 8]}},
        "fusion": {"init_args": {"dim": 16, "depth": 1, "exchanges": 1}},
        "clinical_start": False,
    },
    "data": {"preprocessing": {"height": 32, "width": 48}, "batch_size": 64},
    "trainer": {"max_epochs": 1, "enable_progress_bar": False},
}


def main() -> int:
    """Print one line a size; in a process of a size, measure it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--eyes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train is not None:
        print(json.dumps(measured(options.train)))
        return 0
    for eyes in options.eyes:
        with tempfile.TemporaryDirectory() as folder:
            cohort = linked_cohort(Path(folder), eyes)
            command = [sys.executable, "-m", "benchmarks.large_cohort", "--train", str(cohort)]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        print(f"{eyes} eyes, {2 * eyes} scans:", said.splitlines()[-1], flush=True)
    return 0


def linked_cohort(place: Path, eyes: int) -> Path:
    """A cohort of so many eyes, all of whose scans are in the cache beside it."""
    drawn = place / "drawn"
    ctt_net.simulate_cohort(drawn, eyes=DRAWN, seed=0)
    root, cache = place / "cohort", place / "cache"
    manifest = pd.read_csv(drawn / "manifest.csv", dtype=str, keep_default_na=False)
    rows = manifest.iloc[np.arange(eyes) % DRAWN].reset_index(drop=True)
    number = [f"{i:07d}" for i in range(eyes)]
    rows["eye_id"], rows["patient_id"] = [f"e{one}" for one in number], number
    (root / "images").mkdir(parents=True)
    for name in ("horizontal", "vertical"):
        links = [f"images/{name}_{one}.png" for one in number]
        for source, link in zip(rows[name], links, strict=True):
            (root / link).hardlink_to(drawn / source)
        rows[name] = links
    rows.to_csv(root / "manifest.csv", index=False)
    (root / "cohort.yaml").write_bytes((drawn / "cohort.yaml").read_bytes())
    fill(root, cache)
    return root


def fill(root: Path, cache: Path) -> None:
    """Prepare each picture once, and link what the cache keeps of it to all its names."""
    size = SMALL["data"]["preprocessing"]
    preprocessing = Preprocessing(size["height"], size["width"], "flat")
    cohort, kept = read_cohort(root), ScanCache(cache, preprocessing)
    first = pd.Series(np.arange(len(cohort.table)) < DRAWN)
    load_scans(cohort.where(first), preprocessing, cache=cache)
    known: dict[int, Path] = {}  # by picture
    for task in scan_tasks(cohort):
        entry = kept.entry(task)
        assert entry is not None
        prepared = known.setdefault(task.path.stat().st_ino, entry)
        if entry != prepared:
            entry.parent.mkdir(exist_ok=True)
            entry.hardlink_to(prepared)


def measured(cohort: Path) -> dict[str, Any]:
    """Processor time of both, and the most memory of its own that the process held, in MB."""
    process, most, stop = psutil.Process(), [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            facts = process.memory_info()
            most[0] = max(most[0], facts.rss - facts.shared)

    watcher = threading.Thread(target=watch, daemon=True)
    os.environ["CTT_NET_SCAN_CACHE"] = str(cohort.with_name("cache"))
    run = cohort.with_name("run")
    works: dict[str, Callable[[], Any]] = {
        "training": lambda: ctt_net.train(cohort, "ctt_net", out=run, folds=[1], **SMALL),
        "evaluation": lambda: ctt_net.evaluate(run, cohort, allow_training_eyes=True),
    }
    watcher.start()
    spent = {}
    for name, work in works.items():
        begun = time.process_time()
        work()
        spent[f"{name}_processor_s"] = round(time.process_time() - begun, 1)
    stop.set()
    return {**spent, "own_memory_mb": round(most[0] / 2**20)}


if __name__ == "__main__":
    sys.exit(main())
