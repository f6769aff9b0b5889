"""What reading a scan file gives: a B-scan with notes, or an error."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ctt_net.errors import InputError


class ImagingError(InputError):
    """A scan that cannot be read: the message names the file, what was found and the fix."""

    @classmethod
    def of(cls, path: str | Path, found: str, fix: str) -> "ImagingError":
        """Build the message in the one form that all such errors have.

        Only the file's name is shown, not its folder: folders of hospitals name patients.

        Example:
            >>> str(ImagingError.of("a/b/OD.png", "an empty file", "export the scan again"))
            'OD.png: found an empty file; export the scan again.'
        """
        name = str(path).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
        printable = "".join(c if c.isprintable() else "?" for c in name)[:120] or "(no name)"
        return cls(f"{printable}: found {found}; {fix}.")


@dataclass(frozen=True)
class Note:
    """One remark of the reader on a scan.

    Args:
        code: what it is, such as `upside_down`; programs compare this and never the sentence.
        text: the same for people.
    """

    code: str
    text: str

    def __str__(self) -> str:
        """The sentence."""
        return self.text


# A scan with one of these is no macular B-scan as the network knows it.
UNUSABLE_NOTES = frozenset({"not_a_bscan", "inverted", "report_page", "upside_down", "not_macular"})


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
