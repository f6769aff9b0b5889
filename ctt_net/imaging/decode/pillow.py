"""PNG, JPEG and BMP to samples, through Pillow with an explicit list of formats."""

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ctt_net.imaging.bscan import ImagingError, Note
from ctt_net.imaging.decode.raster import (
    PRINT_COLOURS,
    Raster,
    check_single,
    check_size,
    drop_alpha,
)

_ORIENTATION_TAG = 274


def decode_by_pillow(data: bytes, kind: str, path: Path) -> Raster:
    """Decode one PNG, JPEG or BMP picture held in memory.

    Raises:
        ImagingError: too large, too small, several pictures, damaged or truncated.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=[kind]) as image:
                check_size(image.width, image.height, path)
                check_single(getattr(image, "n_frames", 1), path)
                return _raster(image, data, kind, path)
        except ImagingError:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as problem:
            raise ImagingError.of(
                path,
                f"a {kind} that claims far more pixels than a scan has",
                "export a single B-scan at the device's own size",
            ) from problem
        except Exception as problem:  # decoders raise anything on garbled bytes
            raise ImagingError.of(
                path,
                f"a {kind} file that is truncated or damaged ({_brief(problem)})",
                "export or copy the scan again",
            ) from problem


def _raster(image: Image.Image, data: bytes, kind: str, path: Path) -> Raster:
    notes: list[Note] = []
    orientation = _orientation(image)
    if image.mode == "CMYK":
        notes.append(PRINT_COLOURS)
        image = image.convert("RGB")
    elif image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    elif image.mode in ("YCbCr", "LAB", "HSV"):
        image = image.convert("RGB")
    image.load()  # Pillow, unlike OpenCV, refuses truncated data
    deep_colour = kind == "PNG" and len(data) > 25 and data[24] == 16 and data[25] != 0
    samples = _deep_png(data) if deep_colour else np.asarray(image)
    if samples.shape[:2] != (image.height, image.width):
        raise ValueError("the decoded size is not the announced one")
    if samples.ndim == 3:
        samples = drop_alpha(samples, notes)
    return Raster(samples, orientation, notes)


def _deep_png(data: bytes) -> np.ndarray:
    """Decode 16 bit colour or grey + alpha, of which Pillow keeps the upper 8 bits only."""
    samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    # OpenCV gives blue first, and grey with alpha as three equal colours with alpha.
    channels = {2: [2, 1, 0], 4: [0, 3], 6: [2, 1, 0, 3]}[data[25]]
    return np.asarray(samples)[..., channels]


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
        return int(value) if int(value) in range(1, 9) else 1
    except Exception:  # a garbled EXIF block says nothing about the picture
        return 1


def _brief(problem: Exception) -> str:
    text = " ".join(str(problem).split())
    return text[:80] or type(problem).__name__
