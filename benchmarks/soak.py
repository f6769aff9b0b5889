"""Whether memory stays flat while one process trains, evaluates and predicts again and again.

```sh
python -m benchmarks.soak --minutes 30
```

Forty simulated eyes and a small network, so that a round takes seconds. What stays behind of a
round, open files and threads too, is printed every few rounds; ends with exit code 1 where memory
grew by more than 5% from the first third to the last.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil

import ctt_net
from ctt_net.synthetic.patient import simulate_patient

GROWTH = 1.05
ROUNDS = 5  # between two lines
SMALL: dict[str, Any] = {
    "model": {
        "backbone": {"class_path": "SmallConvBackbone", "init_args": {"widths": [4, 8, 8]}},
        "clinical_start": False,
    },
    "data": {"preprocessing": {"height": 64, "width": 96}},
    "trainer": {"max_epochs": 1, "enable_progress_bar": False},
}


def main() -> int:
    """Print memory, files and threads by round."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    options = parser.parse_args()
    process = psutil.Process()
    memory: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        cohort = ctt_net.simulate_cohort(place / "cohort", eyes=40, seed=0)
        simulate_patient(place / "patient")
        end = time.monotonic() + 60 * options.minutes
        while time.monotonic() < end:
            number = len(memory)
            out = place / f"run_{number}"
            model = ctt_net.load_model(
                ctt_net.train(cohort, "ctt_net", out=out, folds=[1], **SMALL)
            )
            ctt_net.evaluate(model, cohort, allow_training_eyes=True)
            model.predict(place / "patient")
            memory.append(process.memory_info().rss / 2**20)
            if number % ROUNDS == 0:
                print(
                    f"round {number}: {memory[-1]:.0f} MB, {process.num_fds()} open files, "
                    f"{process.num_threads()} threads",
                    flush=True,
                )
    third = max(len(memory) // 3, 1)
    first, last = median(memory[:third]), median(memory[-third:])
    print(f"{len(memory)} rounds; first third {first:.0f} MB, last third {last:.0f} MB")
    return int(last > GROWTH * first)


if __name__ == "__main__":
    sys.exit(main())
