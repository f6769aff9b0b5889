"""Peak rates of this machine: decoding, matrix products, convolutions."""

import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ctt_net.imaging.decode import decode_file

TRIES = 8


def now(device: str) -> float:
    """Processor time; of several threads or a GPU, by the clock, with its work done."""
    if device == "cuda":
        torch.cuda.synchronize()
    one_thread = device == "cpu" and torch.get_num_threads() == 1
    return time.process_time() if one_thread else time.perf_counter()


def seconds(work: Callable[[], Any], device: str) -> float:
    """What `work` takes, as `now` counts."""
    begun = now(device)
    work()
    return now(device) - begun


def machine_limits(scans: Sequence[Path], device: str) -> dict[str, Any]:
    """Names, and rates: of computing the best of some tries.

    Args:
        scans: Files to decode.
        device: `cpu` or `cuda`.
    """
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    spent = seconds(lambda: [decode_file(path) for path in scans], "cpu")
    found: dict[str, Any] = {
        "processor": (names or [platform.processor()])[0],
        "gpu": torch.cuda.get_device_name() if device == "cuda" else None,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "scans_decoded_a_second": round(len(scans) / spent),
    }
    for kind in (torch.float32, torch.bfloat16):
        square = torch.randn(2048, 2048, device=device, dtype=kind)
        conv = nn.Conv2d(64, 64, 3, padding=1, bias=False).to(device, kind)
        conv = conv.to(memory_format=torch.channels_last)
        maps = torch.randn(8, 64, 64, 64, device=device, dtype=kind)
        maps = maps.to(memory_format=torch.channels_last)
        works: dict[str, tuple[Callable[[], Any], float]] = {
            "gemm": (lambda x=square: x @ x, 2 * 2048**3),  # type: ignore[misc]
            "conv3x3": (lambda f=conv, x=maps: f(x), 2 * 9 * 64 * maps.numel()),  # type: ignore[misc]
        }
        with torch.inference_mode():
            for name, (work, operations) in works.items():
                best = min(seconds(work, device) for _ in range(TRIES))
                found[f"{name}_{str(kind)[6:]}_gflops"] = round(operations / best / 1e9)
    return found
