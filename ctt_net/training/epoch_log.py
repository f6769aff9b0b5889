"""What is shown and kept of each epoch."""

import csv
import io
import logging
import sys
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, RichProgressBar

from ctt_net.io.atomic_write import atomic_write
from ctt_net.training.run_log import LOG

TABLE_FILE = "metrics.csv"


def epoch_display(bar: bool) -> list[Callback]:
    """A bar where a person watches, and in any case a line per epoch that a log can hold.

    Args:
        bar: Whether one is wanted at all.
    """
    if bar and sys.stderr.isatty():
        return [EpochBar(), EpochLines(logging.DEBUG)]
    return [EpochLines(logging.INFO)]


class EpochBar(RichProgressBar):
    """Lightning's bar, which counts epochs from 1."""

    def _get_train_description(self, current_epoch: int) -> str:
        return f"epoch {current_epoch + 1} of {self.trainer.max_epochs or '?'}"


class EpochLines(Callback):
    """Says losses and seconds of each epoch.

    Args:
        level: Of the log; what is below INFO is not shown.
    """

    def __init__(self, level: int) -> None:
        self.level = level

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self.began = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """One line."""
        if not trainer.is_global_zero:
            return
        metrics = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name in trainer.progress_bar_metrics or name.endswith("/loss")
        }
        shown = [f"{name.replace('/', ' ')} {value:.4f}" for name, value in metrics.items()]
        seconds = f"{time.monotonic() - self.began:.1f} s"
        epochs = f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}"
        LOG.log(self.level, "%s: %s", epochs, ", ".join([*shown, seconds]))


class EpochTable(Callback):
    """Writes `metrics.csv`, a row of figures per epoch.

    The rows are in every checkpoint. So a resumed training has those of the epochs before it and no
    others, whenever it was killed.

    Args:
        path: Of the table.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: list[dict[str, float]] = []
        self._validated: dict[str, float] = {}

    def state_dict(self) -> dict[str, Any]:
        """See `Callback.state_dict`."""
        return {"rows": self._rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """See `Callback.load_state_dict`."""
        self._rows = list(state_dict["rows"])

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the figures of this validation; not every epoch need have one."""
        if not trainer.sanity_checking:
            self._validated = _figures(trainer, validated=True)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add a row; Lightning writes the checkpoints of the epoch after it."""
        row = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        self._rows.append({**row, **_figures(trainer, validated=False), **self._validated})
        self._validated = {}
        if trainer.is_global_zero:
            self._write()

    def _write(self) -> None:
        text = io.StringIO()
        names = sorted(set().union(*self._rows), key=lambda name: ("/" in name, name))
        table = csv.DictWriter(text, names, lineterminator="\n")
        table.writeheader()
        table.writerows(self._rows)
        atomic_write(self.path, text.getvalue())


def _figures(trainer: pl.Trainer, validated: bool) -> dict[str, float]:
    """Those of the validation, or all others."""
    return {
        name: float(value)
        for name, value in trainer.callback_metrics.items()
        if name.startswith("val/") == validated
    }
