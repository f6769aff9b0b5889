"""Fit, and come back with the checkpoint that did best on the selection split."""

from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from ctt_net.errors import InputError
from ctt_net.training.config import is_first_process


def best_checkpoint(folder: Path, monitor: str) -> ModelCheckpoint:
    """Keeps the best and the last epoch below `folder`; the smaller `monitor`, the better."""
    return ModelCheckpoint(
        dirpath=folder / "checkpoints", filename="best", monitor=monitor, mode="min",
        save_last=True, enable_version_counter=False,
    )  # fmt: skip


def fit(
    trainer: pl.Trainer,
    module: pl.LightningModule,
    data: pl.LightningDataModule,
    best: ModelCheckpoint,
    resume: bool,
) -> None:
    """Train to the end, on every process.

    Args:
        trainer: With `best` among its callbacks.
        module: Holds the best epoch's weights afterwards, on the first process.
        data: What it learns from.
        best: As `best_checkpoint` gives it.
        resume: Go on with the last epoch that is there, if one is.

    Raises:
        InputError: If no epoch was finished.
        KeyboardInterrupt: If a person stopped it.
    """
    last = Path(str(best.dirpath)) / "last.ckpt"
    try:
        trainer.fit(
            module, datamodule=data, ckpt_path=str(last) if resume and last.exists() else None
        )
    except SystemExit:  # how Lightning ends a training that a person has stopped
        raise KeyboardInterrupt from None
    if not best.best_model_path:
        raise InputError(
            "config: no epoch was finished, so there is no model; trainer.max_epochs must be 1 or "
            "more and trainer.fast_dev_run false"
        )
    # Other processes may be on a machine that has no checkpoint, and have nothing to write.
    if is_first_process():
        state = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
        module.load_state_dict(state["state_dict"])


def end_logs(trainer: pl.Trainer) -> None:
    """Close the loggers once every process is done."""
    trainer.strategy.barrier()
    for logger in trainer.loggers:
        logger.finalize("success")
        # Lightning leaves a wandb run open, and the next fold would go on in it.
        finish = getattr(logger.experiment, "finish", None)
        if finish is not None:
            finish()
