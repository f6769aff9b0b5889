"""The scan-direction mark that Cirrus-like exports burn into the picture."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

# Left, top, right and bottom of the square in an export of 750 x 500 pixels.
SQUARE_PX = (31, 395, 106, 470)
WHITE = 255


def burn_in_direction(
    image: NDArray[np.uint8],
    direction: Literal["horizontal", "vertical"],
    laterality: Literal["OD", "OS"],
) -> None:
    """Draw the square, the arrow and the letters T, N, S, I; changes the picture in place.

    Args:
        image: (500, 750) grey, as exported.
        direction: The arrow points right (horizontal) or up (vertical).
        laterality: Temporal is at the left in a right eye's picture, nasal in a left eye's.
    """
    left, top, right, bottom = SQUARE_PX
    x, y = (left + right) // 2, (top + bottom) // 2
    cv2.rectangle(image, (left, top), (right, bottom), WHITE, 1)
    if direction == "horizontal":
        cv2.line(image, (left, y), (right, y), WHITE, 1)
        head = [(right - 7, y - 6), (right, y), (right - 7, y + 6)]
    else:
        cv2.line(image, (x, top), (x, bottom), WHITE, 1)
        head = [(x - 6, top + 7), (x, top), (x + 6, top + 7)]
    cv2.polylines(image, [np.array(head, dtype=np.int32)], False, WHITE, 1)
    at_left, at_right = ("T", "N") if laterality == "OD" else ("N", "T")
    _letter(image, at_left, left - 9, y)
    _letter(image, at_right, right + 10, y)
    _letter(image, "S", x, top - 9)
    _letter(image, "I", x, bottom + 11)
    _letter(image, "1", left + 6, top + 9)


def _letter(image: NDArray[np.uint8], letter: str, x: int, y: int) -> None:
    """Centre one letter on a place."""
    face, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.36
    (width, height), _ = cv2.getTextSize(letter, face, scale, 1)
    cv2.putText(image, letter, (x - width // 2, y + height // 2), face, scale, WHITE, 1)
