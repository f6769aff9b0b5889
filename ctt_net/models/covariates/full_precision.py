"""Float32 where half precision would lose the number: 23.45 mm is 23.5 in bfloat16."""

import contextlib
from contextlib import AbstractContextManager

import torch


def full_precision(device: torch.device) -> AbstractContextManager:
    """Switch autocast off inside, if it is on; a trace for export sees nothing of it."""
    if not torch.is_autocast_enabled(device.type):
        return contextlib.nullcontext()
    return torch.autocast(device.type, enabled=False)
