"""Samples of any depth to 8 bit grey, by one rule that is written down here.

The full scale of a deep picture is not in its file: 12 bit data come in 16 bit containers and
percent values in floats. Rule: take the 99.9th percentile (a hot pixel must not decide), and the
smallest usual full scale that holds it: 1 (floats and flags), 100, 255, 1023, 4095, 16383, 65535.
Grey = 255 * sample / full scale, rounded, clipped. So a 16 bit copy of an 8 bit scan gives the
same grey. Where no usual scale fits (negative values such as decibels, values above 65535, or a
picture that would use less than a twentieth of its scale), the 0.1 and 99.9 percentiles
are spread over 0..255. 8 bit samples are never changed.
"""

import cv2
import numpy as np

from ctt_net.imaging.bscan import Note

FULL_SCALES = (100, 255, 1023, 4095, 16383, 65535)
_SMALLEST_SHARE = 1 / 20


def eight_bit(samples: np.ndarray, notes: list[Note]) -> np.ndarray:
    """Bring samples to uint8 by the rule above.

    Args:
        samples: (H, W) or (H, W, 3), bool, integer or float.
        notes: receives a line that says which scale was assumed.
    """
    if samples.dtype == np.uint8:
        return samples
    if samples.dtype == np.bool_:
        notes.append(Note("black_and_white", "the picture has only black and white, no grey"))
        return samples.astype(np.uint8) * 255
    values: np.ndarray = samples.astype(np.float32 if samples.dtype.itemsize <= 4 else np.float64)
    if samples.dtype.kind == "f":
        values = _without_gaps(values, notes)
    low, high = (float(v) for v in np.percentile(values, (0.1, 99.9)))
    scale = _full_scale(low, high, is_float=samples.dtype.kind == "f")
    if scale is None:
        text = f"values {low:.4g} to {high:.4g} were spread over 256 grey levels"
        values = (values - low) / max(high - low, 1e-30)
    else:
        text = f"{samples.dtype.name} samples were read on a scale of 0 to {scale}"
        values = values / scale
    notes.append(Note("grey_scale", text))
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def grey(samples: np.ndarray) -> np.ndarray:
    """(H, W) luminance of (H, W[, 3]) uint8; exact identity where red = green = blue."""
    if samples.ndim == 2:
        return samples
    return cv2.cvtColor(np.ascontiguousarray(samples), cv2.COLOR_RGB2GRAY)


def _full_scale(low: float, high: float, *, is_float: bool) -> int | None:
    if low < 0 or high > FULL_SCALES[-1]:
        return None
    scales = (1, *FULL_SCALES) if is_float or high <= 1 else FULL_SCALES
    scale = next(s for s in scales if high <= s)
    return scale if high >= scale * _SMALLEST_SHARE else None


def _without_gaps(values: np.ndarray, notes: list[Note]) -> np.ndarray:
    """Replace NaN, infinities and sentinels like 3.4e38 by the smallest real value."""
    real = np.isfinite(values) & (np.abs(values) < 1e30)
    if real.all():
        return values
    notes.append(Note("gaps", f"{(~real).sum()} samples without a value were set to black"))
    return np.where(real, values, values[real].min() if real.any() else 0)
