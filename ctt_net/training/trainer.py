"""Around Lightning's trainer: errors in one line, precision by device, whole checkpoints."""

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.precision.precision import _PRECISION_INPUT
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.plugins import TorchCheckpointIO
from pytorch_lightning.utilities.memory import is_oom_error

from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write
from ctt_net.training.run_log import LOG

# Lightning does not know of all that the CPU's allocator says, nor of a loader that the system has
# ended to have its memory back.
_FULL = re.compile("not enough memory|DataLoader worker .*(killed by signal|exited unexpectedly)")
_TRAINERS = ("pytorch_lightning", "lightning_fabric", "torch.distributed")


@contextlib.contextmanager
def lightning_errors() -> Iterator[None]:
    """Build or run a trainer inside; what it refuses becomes one line.

    Whatever Lightning itself raises is a refusal, of a device, a SLURM job, a metric to watch; an
    error of the same class from anywhere else is a fault of the program and passes.

    Raises:
        InputError: If the trainer refuses, or the memory does not suffice.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        full = isinstance(error, MemoryError | torch.OutOfMemoryError) or is_oom_error(error)
        if full or _FULL.search(str(error)):
            fix = (
                "out of memory; lower data.batch_size, data.num_workers, or the size in "
                "data.preprocessing"
            )
        elif isinstance(error, MisconfigurationException) or _raised_in(error, _TRAINERS):
            fix = "correct the keys under 'trainer', or the job that started this training"
        else:
            raise
        raise InputError(f"trainer: {one_line(error)} ({fix})") from error


def one_line(error: Exception) -> str:
    """The message of another library, on one line and not too long."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _raised_in(error: BaseException, packages: tuple[str, ...]) -> bool:
    """Whether a function of some packages raised an error."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith(packages)


# What a processor may call its own bfloat16 instructions, in torch's words and in those of Linux.
_OWN_BF16 = ("amx_bf16", "avx512_bf16", "sve_bf16", "svebf16", "bf16")


class PrecisionTrainer(pl.Trainer):
    """Lightning's trainer, whose precision may be `auto`.

    Args:
        accelerator: See Lightning.
        devices: See Lightning; one, since the eyes of a step are `data.batch_size` times as many.
        precision: See Lightning; `auto` takes what the device computes fastest in.
        kwargs: See Lightning.
    """

    def __init__(
        self,
        accelerator: str | pl.accelerators.Accelerator = "auto",
        devices: list[int] | str | int = 1,
        precision: Literal["auto"] | _PRECISION_INPUT | None = None,
        **kwargs: Any,
    ) -> None:
        # Lightning's sampler would count an eye twice where the processes do not divide their
        # number. Training eyes are divided by a sampler of ours; each process validates all.
        kwargs["use_distributed_sampler"] = False
        super().__init__(accelerator=accelerator, devices=devices, precision=precision, **kwargs)
        # Deterministic training would fill all new memory with NaN first, 1,700 times a step. That
        # helps to find operations that read it; ours do not, and the numbers are the same.
        torch.utils.deterministic.fill_uninitialized_memory = False
        # Lightning's own would answer SIGTERM only after the batch, with a collective operation in
        # the handler, and at SIGUSR1 leave a checkpoint amid the epoch, from which a training does
        # not go on as it would have.
        self._signal_connector.register_signal_handlers = lambda: None


class EpochSeed(Callback):
    """Lets a resumed training go on as if it had not been interrupted.

    Each epoch's chance (dropout) begins anew, since checkpoints hold no state of the random
    generators; order and augmentation have streams of their own. One that had stopped early does
    not go on.

    Args:
        seed: Of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Tell the data which epoch is next, before their loader begins."""
        progress = checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]
        trainer.datamodule.epochs_done = progress["processed"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop again what had stopped; Lightning restores when, and not that it had."""
        trainer.should_stop = any(one.stopped_epoch for one in trainer.early_stopping_callbacks)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Seed torch on all devices."""
        words = np.random.SeedSequence([self.seed, trainer.current_epoch, trainer.global_rank])
        torch.manual_seed(int(words.generate_state(1, np.uint64)[0] >> np.uint64(1)))


class WholeCheckpoints(TorchCheckpointIO):
    """Writes checkpoints beside their place; Lightning's way is through another disk's /tmp."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """See `CheckpointIO.save_checkpoint`."""
        content = io.BytesIO()
        torch.save(checkpoint, content)
        atomic_write(Path(path), content.getvalue())


def warn_of_slow_precision(trainer: pl.Trainer) -> None:
    """Say so, before a training starts, where it would be faster in single precision."""
    on_cpu = trainer.strategy.root_device.type == "cpu"
    if on_cpu and "bf16" in str(trainer.precision) and not cpu_has_bf16():
        LOG.warning(
            "warning: this processor has no instructions for bfloat16, so that precision %s is "
            "several times slower here than --trainer.precision 32-true",
            trainer.precision,
        )


def best_precision(accelerator: str) -> str:
    """The precision that a device computes fastest in.

    Args:
        accelerator: As of `trainer.accelerator`.
    """
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bf16-mixed" if native else "16-mixed"
    if accelerator in ("auto", "gpu", "mps") and torch.backends.mps.is_available():
        return "32-true"
    return "bf16-mixed" if cpu_has_bf16() and accelerator in ("auto", "cpu") else "32-true"


def cpu_has_bf16() -> bool:
    """Whether the processor has instructions for bfloat16; without, it is emulated and slow."""
    capabilities = getattr(torch.cpu, "get_capabilities", None)  # not in torch 2.6
    if capabilities is not None:
        return any(capabilities().get(name) for name in _OWN_BF16)
    facts = Path("/proc/cpuinfo")
    return facts.is_file() and bool(set(facts.read_text().split()) & set(_OWN_BF16))


def silence_lightning() -> None:
    """Switch off warnings that come with every run and that no user can act on."""
    # Lightning warns of arguments that come from a program that has some of its own.
    warnings.filterwarnings("ignore", message="LightningCLI's args parameter")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")
    warnings.filterwarnings("ignore", message=r"\s*\S+ (parameter )?was deprecated in v4\.49\.0")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message="The number of training batches")
    warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
    warnings.filterwarnings("ignore", message="Experiment logs directory .* exists and is not")
    for name in ("pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.seed"):
        logging.getLogger(name).setLevel(logging.WARNING)
