"""Two pipelines on one cohort, run in turns, and the ratios of their times."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader

from benchmarks.machine_limits import seconds
from benchmarks.plain_pipeline import Pictures
from ctt_net.cohort import Cohort
from ctt_net.imaging import Preprocessing
from ctt_net.models import MultiViewNet
from ctt_net.synthetic import CohortPlan, simulate_cohort
from ctt_net.training.config import TrainingConfig

BATCH = 8
PREPARED = Preprocessing(256, 256, "none")  # as published
Works = dict[str, Callable[[], Any]]


class Bench:
    """A cohort of whole eyes, both pipelines, and how they are compared.

    Args:
        scratch: Folder for all that is written.
        device: `cpu` or `cuda`.
        rounds: Turns of each comparison.
        eyes: To simulate, in full batches.
    """

    def __init__(self, scratch: Path, device: str, rounds: int, eyes: int) -> None:
        self.scratch, self.device, self.rounds = scratch, device, rounds
        self.eyes = eyes // BATCH * BATCH
        plan = CohortPlan(n_eyes=self.eyes, seed=5, missing_views=0.0)
        self.cohort: Cohort = simulate_cohort(scratch / "cohort", plan)
        self.kept = scratch / "kept"

    def turns(self, works: Works, eyes: int) -> dict[str, Any]:
        """Run works in turns, after one run to warm up; ratios are those of the first to each."""
        for work in works.values():
            work()
        spent = [[seconds(one, self.device) for one in works.values()] for _ in range(self.rounds)]
        return compared(list(works), np.array(spent), eyes)

    def pictures(self, train: bool) -> DataLoader:
        """The plain loader of all eyes; an unknown acuity, which costs as much, is 0.5."""
        table = self.cohort.table.fillna({"preop_logmar": 0.5, "postop_logmar": 0.5})
        return plain_loader(self.cohort, table, train)

    def config(self, precision: str = "32-true") -> TrainingConfig:
        """The published configuration, for one epoch after another."""
        keys = {
            "data.cohort": self.cohort.root,
            "data.scan_cache": self.kept,
            "model.backbone.init_args.weights": "none",
            "model.learning_rate": 0.01,
            "trainer.accelerator": "gpu" if self.device == "cuda" else "cpu",
            "trainer.devices": 1,
            "trainer.max_steps": -1,
            "trainer.max_epochs": self.rounds + 1,
            "trainer.val_check_interval": "null",
            "trainer.limit_val_batches": 0,
            "trainer.enable_progress_bar": False,
            "trainer.precision": precision,
        }
        given = itertools.chain(*((f"--{key}", str(value)) for key, value in keys.items()))
        return TrainingConfig(["--config", "configs/reference/ctt.yaml", *given])

    def network(self) -> MultiViewNet:
        """Ours of the published configuration, on the device."""
        network: MultiViewNet = self.config().build(1, self.scratch / "run")[0].network
        return network.to(self.device)


def plain_loader(cohort: Cohort, table: pd.DataFrame, train: bool) -> DataLoader:
    """The plain pipeline's loader of some rows of a cohort's table: no processes."""
    files: Any = [
        tuple(cohort.scan_path(row, view) for view in cohort.spec.views)
        for row in table.to_dict("records")
    ]
    preop, postop = (
        torch.tensor(10.0 ** -table[name].to_numpy(), dtype=torch.float32)
        for name in ("preop_logmar", "postop_logmar")
    )
    data = Pictures(files, preop, postop, PREPARED.height, train)
    return DataLoader(data, BATCH, shuffle=train, drop_last=train)


def compared(names: list[str], spent: Any, eyes: int) -> dict[str, Any]:
    """Milliseconds an eye, and the ratio of the first to each with its quartiles.

    Args:
        names: What took turns.
        spent: (R, N) seconds.
        eyes: In one turn.
    """
    middle, low, high = np.percentile(spent[:, :1] / spent, (50, 25, 75), axis=0).round(2).tolist()
    each = (1e3 * np.median(spent, axis=0) / eyes).round(2).tolist()
    return {
        name: {"ms_an_eye": each[i], "ratio": middle[i], "iqr": [low[i], high[i]]}
        for i, name in enumerate(names)
    }
