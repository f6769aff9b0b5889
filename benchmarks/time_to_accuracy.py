"""How long the default takes to the error that the published recipe ends with, one thread each.

```sh
python -m benchmarks.time_to_accuracy --seeds 0 1 2    # half an hour or more a seed
```

Both learn from the same 1,200 simulated eyes and are measured on 300 of other patients. The recipe
(`benchmarks/plain_pipeline.py`) takes its 1,200 steps of 8 eyes, from random weights as the default
does; the default (`configs/ctt_net.yaml`) takes its 30 epochs, 15% of the eyes aside to choose one.
Both start from files, and one processor is all they get. Time is the clock's, without
measuring. Errors are those of each network's own output. Simulated eyes: no clinical validity.
Research use only. Not a medical device.
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from benchmarks.plain_pipeline import PlainCtt, plain_optimiser, plain_step
from benchmarks.turns import plain_loader
from ctt_net.cohort import Cohort, exactly_known
from ctt_net.data.dataset import EyeDataset, collate_eyes
from ctt_net.data.scans import load_scans
from ctt_net.io.atomic_write import atomic_write
from ctt_net.synthetic import CohortPlan, simulate_cohort
from ctt_net.training.config import TrainingConfig

EYES = 1500  # 1,200 of them outside fold 1
UNSEEN = 300
STEPS, WARM_UP, MILESTONES = 1200, 100, (600, 900, 1100)  # as published
EVERY = 100  # steps of the recipe between two measurements
SMALLEST = 1e-2  # decimal, so that a network's 0 has a logMAR
Curve = list[tuple[float, float]]  # seconds, mean absolute error in logMAR


class Stopwatch:
    """Seconds since it was made, without those of measuring."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.curve: Curve = []

    def record(self, measure: Any) -> None:
        """Add a point; what it takes to find the error does not count."""
        now = time.perf_counter()
        self.curve.append((now - self.begun, measure()))
        self.begun += time.perf_counter() - now


def published(cohort: Cohort, table: pd.DataFrame, unseen: Cohort, seed: int) -> Curve:
    """Train the recipe on the rows of a table; the error on unseen eyes every 100 steps."""
    watch = Stopwatch()
    torch.manual_seed(seed)
    network = PlainCtt().train()
    optimizer = plain_optimiser(network)
    schedule = LambdaLR(optimizer, _rate)
    batches = plain_loader(cohort, exactly_known(table), train=True)
    held_out = exactly_known(unseen.table)
    shown = plain_loader(unseen, held_out, train=False)
    truth = held_out["postop_logmar"].to_numpy()

    def error() -> float:
        network.eval()
        with torch.inference_mode():
            said = [network(*inputs) for *inputs, _ in shown]
        network.train()
        return float(np.abs(_logmar(torch.cat(said)) - truth).mean())

    endless = itertools.chain.from_iterable(itertools.repeat(batches))
    for step, batch in enumerate(itertools.islice(endless, STEPS), start=1):
        plain_step(network, optimizer, batch)
        schedule.step()
        if step % EVERY == 0:
            watch.record(error)
    return watch.curve


def _rate(step: int) -> float:
    warm = min(1.0, (step + 1) / WARM_UP)
    return warm * 0.1 ** sum(step >= milestone for milestone in MILESTONES)


def _logmar(decimal: torch.Tensor) -> Any:
    return -np.log10(decimal.clamp_min(SMALLEST).double().numpy())


class UnseenError(pl.Callback):
    """Measures the error on unseen eyes after each epoch.

    Args:
        unseen: Their cohort.
        watch: Takes the points.
    """

    def __init__(self, unseen: Cohort, watch: Stopwatch) -> None:
        self.unseen, self.watch = unseen, watch
        self.batches: Any = None
        self.truth = exactly_known(unseen.table)["postop_logmar"].to_numpy()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Add a point."""
        self.watch.record(lambda: self._error(trainer, pl_module))

    def _error(self, trainer: Any, module: Any) -> float:
        if self.batches is None:
            data, table = trainer.datamodule, exactly_known(self.unseen.table)
            scans = load_scans(self.unseen, data.preprocessing)
            places = self.unseen.table.index.get_indexer(table.index).tolist()
            eyes = EyeDataset(table, places, scans, covariates=data.covariate_values(table))
            self.batches = list(DataLoader(eyes, 50, collate_fn=collate_eyes))
        network = module.network.eval()
        with torch.inference_mode():
            said = [
                network(one.views, one.view_present, one.preop_logmar, one.covariates).postop_logmar
                for one in self.batches
            ]
        network.train()
        return float(np.abs(torch.cat(said).double().numpy() - self.truth).mean())


def default(config: TrainingConfig, folder: Path, unseen: Cohort) -> Curve:
    """Train the default; the error on unseen eyes after each epoch."""
    watch = Stopwatch()
    module, data, trainer = config.build(1, folder, [UnseenError(unseen, watch)])
    trainer.fit(module, datamodule=data)
    return watch.curve


def reached(curve: Curve, error: float) -> float | None:
    """Seconds to the first point from which on the error is no larger; None = never."""
    later = itertools.takewhile(lambda point: point[1] <= error, reversed(curve))
    return min((seconds for seconds, _ in later), default=None)


def main() -> int:
    """Train, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("out/time_to_accuracy.json"))
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ.pop("CTT_NET_SCAN_CACHE", None)  # both start from files
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    found: dict[int, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        plans = (CohortPlan(n_eyes=n, seed=n, missing_views=0.0) for n in (EYES, UNSEEN))
        cohort, unseen = (simulate_cohort(place / f"eyes_{p.n_eyes}", p) for p in plans)
        for seed in arguments.seeds:
            keys = ["--config", "configs/ctt_net.yaml", "--data.cohort", str(cohort.root)]
            keys += ["--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false"]
            config = TrainingConfig([*keys, "--seed_everything", str(seed)])
            ours = default(config, place / f"run_{seed}", unseen)
            data = config.config_init.data
            table = pd.concat([data.part("train"), data.part("val")])
            theirs = published(cohort, table, unseen, seed)
            found[seed] = {"default": ours, "published": theirs}
            atomic_write(arguments.out, json.dumps(found, indent=1) + "\n")
            (wall, error), (end, last) = theirs[-1], ours[-1]
            met = reached(ours, error)
            share = "never" if met is None else f"{met:.0f} s, {met / wall:.3f} of its time"
            print(
                f"seed {seed}, {len(table)} eyes: published {error:.4f} after {wall:.0f} s (best "
                f"{min(e for _, e in theirs):.4f}); default no worse after {share}; it ends at "
                f"{last:.4f} after {end:.0f} s",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
