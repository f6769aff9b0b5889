"""Find what an export or an operator wrote over a scan: writing, bars with writing, rulers."""

from dataclasses import dataclass

import numpy as np

from ctt_net.imaging.artifacts.bars import find_bars
from ctt_net.imaging.artifacts.rulers import ruler_parts
from ctt_net.imaging.artifacts.strokes import find_strokes
from ctt_net.imaging.artifacts.widget import Box
from ctt_net.imaging.artifacts.writing import writing_boxes


@dataclass(frozen=True, eq=False)
class BurntIn:
    """What was found in one picture.

    Args:
        writing: boxes around bright writing.
        bars: boxes of bright bars that bear dark writing.
        rulers: boxes around rulers, scale bars, caliper lines and arrows.
        ruler_pixels: (rows, columns) of each of the rulers' own pixels.
    """

    writing: list[Box]
    bars: list[Box]
    rulers: list[Box]
    ruler_pixels: list[tuple[np.ndarray, np.ndarray]]


def find_burnt_in(pixels: np.ndarray) -> BurntIn:
    """Find writing and drawn lines of any grey; coloured marks are found by their colour.

    Args:
        pixels: (H, W) uint8 B-scan without scan-direction mark.
    """
    strokes = find_strokes(pixels)
    parts = ruler_parts(strokes, pixels)
    sides = (strokes.left, strokes.top, strokes.right, strokes.bottom)
    return BurntIn(
        writing=writing_boxes(strokes, pixels),
        bars=find_bars(pixels),
        rulers=[Box(*(int(side[part]) for side in sides)) for part in parts],
        ruler_pixels=[strokes.pixels(part) for part in parts],
    )


def find_text(pixels: np.ndarray) -> list[Box]:
    """Boxes of everything that is written or drawn over the scan in grey, black or white.

    Args:
        pixels: (H, W) uint8.
    """
    found = find_burnt_in(pixels)
    return found.writing + found.bars + found.rulers
