"""B-scans as PNG or JPEG bytes."""

import cv2
import numpy as np


def png(pixels: np.ndarray) -> bytes:
    """Encode without loss.

    Args:
        pixels: (H, W) uint8.
    """
    return _encoded(".png", pixels, ())


def jpeg(pixels: np.ndarray, width: int, quality: int, max_height: int | None = None) -> bytes:
    """Encode small: a thumbnail.

    Args:
        pixels: (H, W) uint8.
        width: Largest width; a wider picture is scaled down.
        quality: 0..100.
        max_height: Largest height; a taller one is squeezed.
    """
    height = max(1, round(pixels.shape[0] * width / pixels.shape[1]))
    if pixels.shape[1] > width:
        size = (width, min(height, max_height or height))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return _encoded(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, quality))


def _encoded(suffix: str, pixels: np.ndarray, options: tuple[int, ...]) -> bytes:
    done, data = cv2.imencode(suffix, pixels, options)
    if not done:
        raise RuntimeError(f"a picture of {pixels.shape} could not be encoded as {suffix}")
    return data.tobytes()
