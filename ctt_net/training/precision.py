"""`trainer.precision`: what a device is good at, and a warning where it is not."""

from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.precision.precision import _PRECISION_INPUT
from rich.console import Console

# What a processor may call its own bfloat16 instructions, in torch's words and in those of Linux.
_OWN_BF16 = ("amx_bf16", "avx512_bf16", "sve_bf16", "svebf16", "bf16")


class PrecisionTrainer(pl.Trainer):
    """Lightning's trainer, whose precision may be `auto`.

    Args:
        accelerator: See Lightning.
        precision: See Lightning; `auto` takes what the device computes fastest in.
        kwargs: See Lightning.
    """

    def __init__(
        self,
        accelerator: str | pl.accelerators.Accelerator = "auto",
        precision: Literal["auto"] | _PRECISION_INPUT | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(accelerator=accelerator, precision=precision, **kwargs)


def warn_of_slow_precision(trainer: pl.Trainer, console: Console) -> None:
    """Say so, before a training starts, where it would be faster in single precision."""
    on_cpu = trainer.strategy.root_device.type == "cpu"
    if on_cpu and "bf16" in str(trainer.precision) and not cpu_has_bf16():
        console.print(
            f"warning: this processor has no instructions for bfloat16, so that precision "
            f"{trainer.precision} is several times slower here than --trainer.precision 32-true"
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
