"""Find burnt-in text by its strokes: names, dates, signal values, footer lines.

No letter is recognised. Text differs from tissue in four things together: its strokes are thin for
their height, several stand upright side by side in little width, all are of one brightness, and
they share a base line. Layers of the retina run along the picture and cross few columns; noise
has no common brightness and no common line.
"""

import cv2
import numpy as np

from ctt_net.imaging.artifacts.fill import Box
from ctt_net.imaging.artifacts.strokes import CLEAR, Strokes

# Measured on 600 planted strings, 110 real and 340 simulated scans (docs/concepts/scan_facts.md).
_HEIGHTS = (5, 44)  # pixels, from a small letter's x-height to a capital with its tail
_STROKE_WIDTH = 0.75  # mean run over height: letters 0.1 to 0.6, layers of a retina above 0.5
_LINE_STROKE_WIDTH = 0.55
_STROKES = 5.0  # upright strokes side by side: four letters have six or more
# Upright strokes per height of width: text 1.14 to 2.5, of 16 pixels and more 1.9 at most; layers
# below 1, but 2.55 and more where speckle tears a bright one to pieces.
_DENSITY = (1.1, 2.52)
_SPREAD = 0.12  # of brightness between the parts of a line, over its contrast
_ALIGNED = 0.4  # share of the width whose parts end on the base line
_TOUCHING = 14  # pixels: only smaller letters run into one another over a whole word
_CONTRAST = CLEAR + 2
# Spread of the ground over the contrast. Planted strings had 0.02 to 0.2, over tissue up to 0.3;
# lines of tissue in scans that were compressed, rescaled, brightened or made noisier 0.22 and more,
# with a contrast of 96 at most.
_UNEVEN = 0.2
_UNEVEN_IF_STRONG = 0.3
_STRONG = 110
# A letter that stands alone. Near the sides, where registration cuts tissue off against black,
# pieces of it look the same.
_LETTER_HEIGHT = 7
_LETTER_CONTRAST = 95
_LETTER_EVEN = 0.55
_SIDE = 24  # pixels


def text_boxes(strokes: Strokes, pixels: np.ndarray) -> list[Box]:
    """Boxes of bright text: lines of about four characters or more, and clear single letters.

    Args:
        strokes: of `pixels`.
        pixels: (H, W) uint8.

    Returns:
        Boxes with a small margin around the text, within the picture.
    """
    height = strokes.height
    low, high = _HEIGHTS
    thin = strokes.area <= _STROKE_WIDTH * height * np.maximum(strokes.runs, 1)
    letters = np.flatnonzero((height >= low) & (height <= high) & thin)
    if len(letters) == 0:
        return []
    peak, contrast = _brightness(strokes, letters, pixels)
    numbers = _lines(strokes, letters, peak, contrast)
    lines = [np.flatnonzero(numbers == k) for k in range(numbers.max() + 1)]
    return [
        _box(strokes, _whole(strokes, letters[line], pixels), pixels.shape)
        for line in lines
        if (
            _is_text(strokes, letters[line], peak[line], contrast[line])
            or _are_letters(strokes, letters[line], peak[line], contrast[line], pixels)
        )
        and _stands_out(strokes, letters[line], float(np.median(contrast[line])), pixels)
    ]


def _brightness(
    strokes: Strokes, letters: np.ndarray, pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) grey level of each part's brighter pixels, and (N,) how far they stand out."""
    peak, contrast = np.empty(len(letters)), np.empty(len(letters))
    for i, letter in enumerate(letters):
        place = strokes.pixels(letter)
        rank = int(0.85 * (len(place[0]) - 1))
        peak[i] = np.partition(pixels[place], rank)[rank]
        contrast[i] = np.partition(strokes.rise[place], rank)[rank]
    return peak, contrast


def _lines(
    strokes: Strokes, letters: np.ndarray, peak: np.ndarray, contrast: np.ndarray
) -> np.ndarray:
    """(N,) number of the line each part belongs to: neighbours of like height and brightness."""
    left, right = strokes.left[letters], strokes.right[letters]
    top, bottom = strokes.top[letters], strokes.bottom[letters]
    height = bottom - top + 1
    shared = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top) + 1
    gap = np.maximum(left[:, None], left) - np.minimum(right[:, None], right) - 1
    taller, lower = np.maximum(height[:, None], height), np.minimum(height[:, None], height)
    alike = np.abs(peak[:, None] - peak) <= 0.3 * np.minimum(contrast[:, None], contrast)
    linked = (shared >= 0.6 * lower) & (gap <= taller) & (taller <= 2.2 * lower) & alike
    # Connected components: each part takes the lowest number among those that it is linked to.
    # scipy.sparse would take longer to load than a scan takes to be read.
    line = np.arange(len(letters))
    while True:
        lowest = np.where(linked, line, len(letters)).min(axis=1, initial=len(letters))
        lowest = np.minimum(lowest, line)[np.minimum(lowest, line)]
        if np.array_equal(lowest, line):
            return np.unique(line, return_inverse=True)[1]
        line = lowest


def _is_text(strokes: Strokes, line: np.ndarray, peak: np.ndarray, contrast: np.ndarray) -> bool:
    runs = strokes.runs[line].sum()
    if runs < _STROKES * strokes.height[line].min():  # most of what tissue leaves
        return False
    height = float(np.percentile(strokes.height[line], 75))
    width = strokes.right[line].max() - strokes.left[line].min() + 1
    usual = float(np.median(contrast))
    on_base = np.abs(strokes.bottom[line] - np.median(strokes.bottom[line])) <= max(1, 0.1 * height)
    widths = strokes.width[line]
    return bool(
        width >= 1.5 * height
        and runs >= _STROKES * height
        and _DENSITY[0] * width <= runs <= _DENSITY[1] * width
        and strokes.area[line].sum() <= _LINE_STROKE_WIDTH * height * runs
        and usual >= _CONTRAST
        and peak.std() <= _SPREAD * usual
        and widths[on_base].sum() >= _ALIGNED * widths.sum()
        and (len(line) > 1 or height <= _TOUCHING)
    )


def _are_letters(
    strokes: Strokes,
    line: np.ndarray,
    peak: np.ndarray,
    contrast: np.ndarray,
    pixels: np.ndarray,
) -> bool:
    """Whether one to three parts are letters such as R or OD: of one even, high brightness."""
    if len(line) > 3 or contrast.min() < _LETTER_CONTRAST:
        return False
    inside = (strokes.left[line] >= _SIDE) & (strokes.right[line] < pixels.shape[1] - _SIDE)
    if not inside.all():
        return False
    for part, level, rise in zip(line, peak, contrast, strict=True):
        height = strokes.height[part]
        compact = height >= _LETTER_HEIGHT and strokes.width[part] <= 1.3 * height
        narrow = strokes.area[part] <= 0.5 * height * strokes.runs[part]
        even = np.abs(pixels[strokes.pixels(part)] - level) <= 0.15 * rise
        if not (compact and narrow and even.mean() >= _LETTER_EVEN):
            return False
    return True


def _stands_out(strokes: Strokes, line: np.ndarray, contrast: float, pixels: np.ndarray) -> bool:
    """Whether the ground between and around the parts is even, measured by their contrast."""
    reach = max(2, round(0.25 * float(np.percentile(strokes.height[line], 75))))
    top, left = int(strokes.top[line].min()) - reach, int(strokes.left[line].min()) - reach
    bottom, right = int(strokes.bottom[line].max()) + reach, int(strokes.right[line].max()) + reach
    window = slice(max(top, 0), bottom + 1), slice(max(left, 0), right + 1)
    ink = np.isin(strokes.labels[window], strokes.names[line]).astype(np.uint8)
    ground = pixels[window][cv2.dilate(ink, np.ones((3, 3), np.uint8)) == 0]
    limit = _UNEVEN if contrast < _STRONG else _UNEVEN_IF_STRONG
    return bool(len(ground) and ground.std() <= limit * contrast)


def _whole(strokes: Strokes, line: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """A line with its hyphens, dots and further words: all of its brightness level beside it."""
    peak, contrast = (float(np.median(v)) for v in _brightness(strokes, line, pixels))
    height = float(np.percentile(strokes.height[line], 75))
    top, bottom = strokes.top[line].min(), strokes.bottom[line].max()
    level = (strokes.top >= top - 0.3 * height) & (strokes.bottom <= bottom + 0.3 * height)
    level &= strokes.width <= 6 * height
    beside = np.setdiff1d(np.flatnonzero(level), line)
    alike = np.abs(_brightness(strokes, beside, pixels)[0] - peak) <= 0.3 * contrast
    beside = beside[alike]
    while True:
        first, last = strokes.left[line].min(), strokes.right[line].max()
        near = strokes.right[beside] >= first - 1.6 * height
        near &= strokes.left[beside] <= last + 1.6 * height
        if not near.any():
            return line
        line, beside = np.concatenate([line, beside[near]]), beside[~near]


def _box(strokes: Strokes, line: np.ndarray, shape: tuple[int, ...]) -> Box:
    """Box of a line with a margin for commas, tails, and letters that were not linked."""
    height = int(np.percentile(strokes.height[line], 75))
    beside, around = max(3, round(0.5 * height)), max(3, round(0.3 * height))
    return Box(
        max(int(strokes.left[line].min()) - beside, 0),
        max(int(strokes.top[line].min()) - around, 0),
        min(int(strokes.right[line].max()) + beside, shape[1] - 1),
        min(int(strokes.bottom[line].max()) + around, shape[0] - 1),
    )
