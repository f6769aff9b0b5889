"""The record that every other room receives in place of a scan file."""

from dataclasses import dataclass

import numpy as np

from ctt_net.imaging.note import Note

LAYOUTS = ("plain", "spectralis_panel", "cirrus_overlay")
OVERLAYS = ("panel", "scan_direction_mark", "coloured_mark", "text", "ruler")
ENDS = ("TN", "NT", "SI", "IS")


@dataclass(frozen=True, eq=False)
class BScan:
    """One B-scan as the network may see it: grey, upright, without panel and overlay.

    Args:
        pixels: (H, W) uint8, vitreous at the top, as the eye was scanned (not mirrored).
        device_layout: what was found around the B-scan, one of `LAYOUTS`.
        notes: what the reader changed or doubts.
        overlays: what was found in or beside the scan and cut off or filled, of `OVERLAYS`.
        ends: sides of the eye at the scan's left and right end, as its scan-direction mark says:
            "TN" (temporal to nasal), "NT", "SI" (superior to inferior) or "IS"; None without a
            clear mark.
    """

    pixels: np.ndarray
    device_layout: str = "plain"
    notes: tuple[Note, ...] = ()
    overlays: tuple[str, ...] = ()
    ends: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no later step could use."""
        if self.pixels.ndim != 2 or self.pixels.dtype != np.uint8:
            raise ValueError(
                f"a B-scan is (H, W) uint8, got {self.pixels.shape} {self.pixels.dtype}"
            )
        if self.device_layout not in LAYOUTS:
            raise ValueError(f"device_layout must be one of {LAYOUTS}, got {self.device_layout!r}")
        if not set(self.overlays) <= set(OVERLAYS):
            raise ValueError(f"overlays must be of {OVERLAYS}, got {self.overlays!r}")
        if self.ends is not None and self.ends not in ENDS:
            raise ValueError(f"ends must be one of {ENDS}, got {self.ends!r}")
