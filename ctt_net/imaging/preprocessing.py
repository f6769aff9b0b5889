"""From a B-scan to the network's input: orientation, crop and size, written once for all."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import cv2
import numpy as np

from ctt_net.errors import InputError
from ctt_net.imaging.flatten import flatten, unflatten
from ctt_net.imaging.retina import RetinaBand, find_retina, outline_retina

# Shares of the picture's height that a crop may have: the first that holds the retina. All common
# exports show about 2 mm of depth, so half of one is 1 mm on every device; a fixed share keeps
# the thickness of a retina comparable between eyes.
_CROP_SHARES = (0.5, 0.625, 0.75, 0.875)
_ABOVE = 0.03  # of the picture's height, kept free above the retina
_BELOW = 0.08  # choroid kept below the pigment epithelium


def orient(pixels: np.ndarray, laterality: str, direction: str) -> np.ndarray:
    """Bring a B-scan to the right eye's orientation: nasal side at the right.

    Only horizontal scans of left eyes are mirrored; a vertical scan has superior and inferior
    ends, which are the same in both eyes, and an oblique one has no plain mirror image.

    Args:
        pixels: (H, W).
        laterality: "OD" or "OS".
        direction: "horizontal", "vertical" or "oblique".

    Raises:
        InputError: another laterality or direction.
    """
    if laterality not in ("OD", "OS"):
        raise InputError(f"laterality must be OD or OS, got {laterality!r}")
    if direction not in ("horizontal", "vertical", "oblique"):
        raise InputError(f"direction must be horizontal, vertical or oblique, got {direction!r}")
    if laterality == "OS" and direction == "horizontal":
        return np.ascontiguousarray(pixels[:, ::-1])
    return pixels


@dataclass(frozen=True)
class Preprocessing:
    """Turns every B-scan into an array of one size; equal input gives equal output, bit by bit.

    Args:
        height: rows of the result.
        width: columns of the result.
        crop: "retina" keeps the part of the picture's height that holds the retina (see
            `crop_rows`), "flat" keeps the retina and lays its pigment epithelium on one row (see
            `flatten`), "none" keeps it all.
    """

    height: int = 128
    width: int = 192
    crop: Literal["retina", "flat", "none"] = "retina"

    def __post_init__(self) -> None:
        """Refuse sizes and words that no later step could use."""
        for name in ("height", "width"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 16 <= value <= 2048:
                raise InputError(f"preprocessing {name} must be 16 to 2048 pixels, got {value!r}")
        if self.crop not in ("retina", "flat", "none"):
            raise InputError(f"preprocessing crop must be retina, flat or none, got {self.crop!r}")

    def __call__(self, pixels: np.ndarray, laterality: str, direction: str) -> np.ndarray:
        """Prepare one B-scan.

        Args:
            pixels: (H, W) uint8, as `read_bscan` returns it.
            laterality: "OD" or "OS".
            direction: of the scan, "horizontal", "vertical" or "oblique".

        Returns:
            (height, width) uint8.
        """
        return orient(self._cut(pixels), laterality, direction)

    def _cut(self, pixels: np.ndarray) -> np.ndarray:
        """Crop and resize."""
        if self.crop == "flat":
            outline = outline_retina(pixels)
            if outline is not None:
                return flatten(pixels, outline, self.height, self.width)
        if self.crop == "retina":
            top, bottom = crop_rows(find_retina(pixels), pixels.shape[0])
            pixels = pixels[top:bottom]
        return cv2.resize(pixels, (self.width, self.height), interpolation=cv2.INTER_AREA)

    def to_scan(
        self, values: np.ndarray, pixels: np.ndarray, laterality: str, direction: str
    ) -> np.ndarray:
        """Bring values of the prepared picture, such as a heat map, back to the B-scan.

        Args:
            values: (height, width), one for each pixel of what `__call__` returns.
            pixels: (H, W) uint8, the B-scan that was prepared.
            laterality: As for `__call__`.
            direction: As for `__call__`.

        Returns:
            (H, W) float32, interpolated bilinearly; NaN where the crop left the scan out.
        """
        values = orient(values, laterality, direction).astype(np.float32)
        outline = outline_retina(pixels) if self.crop == "flat" else None
        if outline is not None:
            return unflatten(values, outline, *pixels.shape)
        height, width = pixels.shape
        top, bottom = 0, height
        if self.crop == "retina":
            top, bottom = crop_rows(find_retina(pixels), height)
        whole = np.full(pixels.shape, np.nan, dtype=np.float32)
        size = (width, bottom - top)
        whole[top:bottom] = cv2.resize(values, size, interpolation=cv2.INTER_LINEAR)
        return whole

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `model.yaml`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> "Preprocessing":
        """Rebuild from `to_dict`.

        Raises:
            InputError: an unknown key or a value out of range.
        """
        unknown = sorted(set(mapping) - {"height", "width", "crop"})
        if unknown:
            raise InputError(
                f"preprocessing knows height, width and crop, not {', '.join(map(str, unknown))}"
            )
        return cls(**mapping)


def crop_rows(band: RetinaBand | None, height: int) -> tuple[int, int]:
    """First row and end row of the crop: the smallest usual share of the height that fits.

    Args:
        band: where the retina is; None keeps the whole picture.
        height: of the picture, in pixels.
    """
    if band is None:
        return 0, height
    top, bottom = band.top - _ABOVE * height, band.bottom + _BELOW * height
    top, bottom = max(0.0, top), min(float(height), bottom)
    for share in _CROP_SHARES:
        rows = round(share * height)
        if bottom - top <= rows:
            start = round((top + bottom - rows) / 2)
            start = min(max(start, 0), height - rows)
            return start, start + rows
    return 0, height
