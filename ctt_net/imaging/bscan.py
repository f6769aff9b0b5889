"""The record that every other room receives in place of a scan file."""

from dataclasses import dataclass

import numpy as np

LAYOUTS = ("plain", "spectralis_panel", "cirrus_overlay")


@dataclass(frozen=True, eq=False)
class BScan:
    """One B-scan as the network may see it: grey, upright, without panel and overlay.

    Args:
        pixels: (H, W) uint8, vitreous at the top, as the eye was scanned (not mirrored).
        device_layout: what was found around the B-scan, one of `LAYOUTS`.
        notes: what the reader changed or doubts, in plain words, for reports.
    """

    pixels: np.ndarray
    device_layout: str = "plain"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no later step could use."""
        if self.pixels.ndim != 2 or self.pixels.dtype != np.uint8:
            raise ValueError(
                f"a B-scan is (H, W) uint8, got {self.pixels.shape} {self.pixels.dtype}"
            )
        if self.device_layout not in LAYOUTS:
            raise ValueError(f"device_layout must be one of {LAYOUTS}, got {self.device_layout!r}")
