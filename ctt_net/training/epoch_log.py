"""What is kept and shown of every epoch: `metrics.csv`, a bar on a terminal, a line elsewhere."""

import csv
import sys
import time
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, RichProgressBar
from pytorch_lightning.loggers import CSVLogger

LOG_FILE = "metrics.csv"


def csv_log(folder: Path, steps: int) -> CSVLogger:
    """The logger of `metrics.csv`; a resumed one keeps the rows of the epochs before.

    Args:
        folder: Of the fold.
        steps: Taken before; later rows are of epochs that are trained again.
    """
    path = folder / LOG_FILE
    kept = []
    if steps and path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if (row.get("step") or "").isdigit()]
        kept = [row for row in rows if int(row["step"]) < steps]
    logger = CSVLogger(save_dir=folder, name="", version="")
    if kept:  # its writer takes the old file away at its start
        logger.experiment.metrics.extend(kept)
        logger.save()
    return logger


def epoch_display(bar: bool) -> Callback:
    """A bar where a person watches, else a line per epoch that a log can hold.

    Args:
        bar: Whether one is wanted at all.
    """
    return EpochBar() if bar and sys.stderr.isatty() else EpochLines()


class EpochBar(RichProgressBar):
    """Lightning's bar, which counts epochs from 1."""

    def _get_train_description(self, current_epoch: int) -> str:
        return f"epoch {current_epoch + 1} of {self.trainer.max_epochs or '?'}"


class EpochLines(Callback):
    """Prints losses and seconds of each epoch to stderr."""

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the clock."""
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
        print(
            f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}:",
            ", ".join([*shown, seconds]),
            file=sys.stderr,
            flush=True,
        )
