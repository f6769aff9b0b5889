"""Fit, and load the checkpoint with the best validation score."""

import zipfile
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from ctt_net.errors import InputError
from ctt_net.io.renamed import LOGGED, LOGGED_NOW
from ctt_net.io.sigterm import Terminated
from ctt_net.training.run_log import LOG, is_first_process
from ctt_net.training.tracking import Tracker
from ctt_net.training.trainer import lightning_errors

CHECKPOINTS = "checkpoints"


def checkpoints(folder: Path, monitor: str) -> tuple[ModelCheckpoint, ModelCheckpoint]:
    """Keep the best and the last epoch below `folder`; the smaller `monitor`, the better.

    Two callbacks, since Lightning's `save_last` is the last epoch that was better than those
    before; the best one first, since the last checkpoint says which it is.
    """
    place = {"dirpath": folder / CHECKPOINTS, "enable_version_counter": False}
    best = _Checkpoint(filename="best", monitor=monitor, mode="min", **place)
    # At the end of an epoch, however often it is validated: from amid one no training goes on.
    return best, _Checkpoint(filename="last", save_on_train_epoch_end=True, **place)


class _Checkpoint(ModelCheckpoint):
    """Finds its files again, and the best score, where a run folder was moved or copied."""

    @property
    def state_key(self) -> str:
        """As version 0.1 had it, so that its trainings can be resumed."""
        return super().state_key.replace(LOGGED_NOW, LOGGED)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """See `ModelCheckpoint.load_state_dict`."""
        before, now = str(state_dict["dirpath"]), str(self.dirpath)

        def moved(value: Any) -> Any:
            if isinstance(value, dict):
                return {moved(key): inner for key, inner in value.items()}
            return value.replace(before, now, 1) if isinstance(value, str) else value

        super().load_state_dict({key: moved(value) for key, value in state_dict.items()})


def resumable(folder: Path) -> Path | None:
    """The checkpoint that a training below `folder` goes on from; None = from the start.

    That of the last epoch; where a person has deleted it, that of the best one.

    Raises:
        InputError: If it is damaged.
    """
    last, best = (folder / CHECKPOINTS / name for name in ("last.ckpt", "best.ckpt"))
    for path, after in (
        (last, f"from {best}" if best.exists() else "from the start"),
        (best, None),
    ):
        if path.exists():
            _read_checkpoint(path, after)
            return path
    return None


def _read_checkpoint(path: Path, after: str | None = None) -> dict[str, Any]:
    """Read a checkpoint whose every byte is as it was written.

    Args:
        path: Of the checkpoint.
        after: Where a training goes on that is resumed without it; None = nowhere.

    Raises:
        InputError: If it is missing, cut off or damaged.
    """
    try:
        with zipfile.ZipFile(path) as parts:
            damaged = parts.testzip()  # torch writes checksums and does not compare them
        if damaged is not None:
            raise zipfile.BadZipFile(damaged)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever zipfile, pickle and torch say of a file that is none
        raise InputError(
            f"{path}: the checkpoint is missing or damaged ({type(error).__name__}); delete "
            f"{path if after else path.parent} and resume again with --resume true: the training "
            f"then goes on {after or 'from the start'}"
        ) from None


def fit(
    trainer: pl.Trainer,
    module: pl.LightningModule,
    data: pl.LightningDataModule,
    best: ModelCheckpoint,
    checkpoint: Path | None,
) -> None:
    """Train to the end, on every process.

    Args:
        trainer: With `best` among its callbacks.
        module: Holds the best epoch's weights afterwards, on the first process.
        data: What it learns from.
        best: As `checkpoints` gives it.
        checkpoint: To go on from; None begins anew.

    Raises:
        InputError: If no epoch was finished, or the trainer cannot do what the configuration says.
        KeyboardInterrupt: If a person stopped it.
    """
    if checkpoint is not None and trainer.max_steps != -1:
        # Lightning would go on with other eyes than the training would have had.
        LOG.info("a training of trainer.max_steps cannot be resumed: it begins anew")
        checkpoint = None
    try:
        with lightning_errors():
            trainer.fit(
                module,
                datamodule=data,
                ckpt_path=None if checkpoint is None else str(checkpoint),
            )
    except SystemExit as end:  # how Lightning ends a training that somebody has stopped
        stopped = end.__context__
        raise stopped if isinstance(stopped, Terminated) else KeyboardInterrupt() from None
    if not best.best_model_path:
        raise InputError(
            "config: no epoch was finished, so there is no model; trainer.max_epochs must be 1 or "
            "more, limit_train_batches and limit_val_batches above 0, check_val_every_n_epoch no "
            "more than the epochs, and fast_dev_run false"
        )
    # Other processes may be on a machine that has no checkpoint, and have nothing to write.
    if is_first_process():
        module.load_state_dict(_read_checkpoint(Path(best.best_model_path))["state_dict"])


def end_trackers(trainer: pl.Trainer) -> None:
    """Close what tracks the training once every process is done."""
    trainer.strategy.barrier()
    for logger in trainer.loggers:
        if isinstance(logger, Tracker):
            logger.finish()
