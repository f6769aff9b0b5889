"""Find uncoloured rulers, scale bars, calipers and arrows: straight lines of one brightness."""

import numpy as np

from ctt_net.imaging.artifacts.strokes import Strokes

# Over 450 real and simulated scans no line of tissue as straight was more even than 0.87.
_EVEN = 0.92
_SHORTEST = 28  # pixels
_LONGEST = 0.6  # of the picture's side: a flat layer may run through all of it
_STRAIGHT = 0.6  # share of the pixels within 2 pixels of the line; the rest are ticks and heads
_UNBROKEN = 0.68  # of its length in pixels: a line of single pixels at 45 degrees has 0.71
_SHARP = 0.8  # share of the line that falls off within 4 pixels to both sides


def ruler_parts(strokes: Strokes, pixels: np.ndarray) -> list[int]:
    """Numbers of the strokes that are drawn lines.

    Args:
        strokes: of `pixels`.
        pixels: (H, W) uint8.
    """
    longest = np.maximum(strokes.width, strokes.height)
    right_size = (longest >= _SHORTEST) & (strokes.width <= _LONGEST * pixels.shape[1])
    right_size &= strokes.height <= _LONGEST * pixels.shape[0]
    lean = strokes.area <= 4 * longest + 100
    candidates = np.flatnonzero(right_size & lean).tolist()
    return [part for part in candidates if _is_line(strokes, part, pixels)]


def _is_line(strokes: Strokes, part: int, pixels: np.ndarray) -> bool:
    rows, columns = strokes.pixels(part)
    from_middle = np.stack([columns - columns.mean(), rows - rows.mean()])
    axes = np.linalg.eigh(from_middle @ from_middle.T)[1]  # the longest axis is the last
    off, along = axes[:, 0] @ from_middle, axes[:, 1] @ from_middle
    off -= np.median(off)
    on_line = np.abs(off) <= 1
    if (np.abs(off) <= 2).mean() < _STRAIGHT or not on_line.any():
        return False
    place = (along[on_line] - along[on_line].min()).astype(int)
    brightest = np.zeros(place.max() + 1)
    np.maximum.at(brightest, place, pixels[rows[on_line], columns[on_line]])
    unbroken = (brightest > 0).mean()
    brightest = brightest[brightest > 0]
    if len(brightest) < _SHORTEST or unbroken < _UNBROKEN:
        return False
    level = float(np.median(brightest))
    contrast = max(float(np.median(strokes.rise[rows, columns])), 1.0)
    even = (np.abs(brightest - level) <= 0.12 * contrast).mean()
    if even < _EVEN:
        return False
    across, down = 4 * axes[:, 0]
    beside = np.maximum(
        *(
            _at(pixels, rows[on_line] + sign * down, columns[on_line] + sign * across)
            for sign in (1, -1)
        )
    )
    return bool((level - beside >= 45).mean() >= _SHARP)


def _at(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Grey levels at the nearest pixels of these places, clipped to the picture."""
    height, width = pixels.shape
    y = np.clip(np.rint(rows), 0, height - 1).astype(int)
    x = np.clip(np.rint(columns), 0, width - 1).astype(int)
    return pixels[y, x].astype(float)
