"""What Lightning and torch refuse to do becomes a message about the configuration."""

import contextlib
from collections.abc import Iterator

import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException

from ctt_net.errors import InputError

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
        # The CPU's allocator has no class of its own.
        full = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if full or "not enough memory" in str(error):
            cure = "out of memory; lower data.batch_size, or the size in data.preprocessing"
        elif isinstance(error, MisconfigurationException) or _raised_in(error, _TRAINERS):
            cure = "correct the keys under 'trainer', or the job that started this training"
        else:
            raise
        raise InputError(f"trainer: {one_line(error)} ({cure})") from error


def one_line(error: Exception) -> str:
    """The message of another library, on one line and not too long."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _raised_in(error: BaseException, packages: tuple[str, ...]) -> bool:
    """Whether a function of some packages raised an error."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith(packages)
