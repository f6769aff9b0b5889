"""What one scan of a device was: its B-scans and the facts that later steps may use."""

from dataclasses import dataclass

import numpy as np

from ctt_net.types import EYES

PATTERNS = ("line", "raster", "radial", "circular", "unknown")


@dataclass(frozen=True, eq=False)
class Acquisition:
    """One acquisition, without anything that says whose eye it is.

    Names, numbers and dates of birth are never taken out of a device file; there is no field for
    them here. Positions are seen as on the fundus picture: x to the right, y downwards.

    Args:
        bscans: (N, H, W) uint8, vitreous at the top, in the order of the file.
        laterality: `OD`, `OS` or None where the file does not say.
        manufacturer: as the file or its format says; may be empty.
        device: model, may be empty.
        pattern: one of `PATTERNS`; one line or two crossing lines are `line`.
        positions: (N, 4) x and y of the start, x and y of the end of each B-scan, mm; or None.
        axial_um_per_px: depth of one pixel, um, or None.
        lateral_um_per_px: width of one pixel, um, or None.
        spacing_um: distance between neighbouring B-scans, um, or None.
        scan_date: `yyyy-mm-dd` or None.
        quality_value: the device's own score, or None; never compared across scales.
        quality_scale: what that score is called, or None.
        notes: what was assumed, changed or is doubtful.
    """

    bscans: np.ndarray
    laterality: str | None = None
    manufacturer: str = ""
    device: str = ""
    pattern: str = "unknown"
    positions: np.ndarray | None = None
    axial_um_per_px: float | None = None
    lateral_um_per_px: float | None = None
    spacing_um: float | None = None
    scan_date: str | None = None
    quality_value: float | None = None
    quality_scale: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check shapes and names; a failure is an error of the reader."""
        if self.bscans.ndim != 3 or self.bscans.dtype != np.uint8 or not len(self.bscans):
            raise ValueError(
                f"B-scans are (N, H, W) uint8, got {self.bscans.shape} {self.bscans.dtype}"
            )
        if self.laterality not in (*EYES, None):
            raise ValueError(f"laterality must be one of {EYES} or None, got {self.laterality!r}")
        if self.pattern not in PATTERNS:
            raise ValueError(f"pattern must be one of {PATTERNS}, got {self.pattern!r}")
        if self.positions is not None and self.positions.shape != (len(self.bscans), 4):
            raise ValueError(f"positions are (N, 4), got {self.positions.shape}")

    @property
    def width_mm(self) -> float | None:
        """Length of one B-scan, or None."""
        if self.lateral_um_per_px is None:
            return None
        return self.lateral_um_per_px * self.bscans.shape[2] / 1000
