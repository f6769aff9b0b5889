"""Segment a B-scan with a network that simulated eyes taught; no torch."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.errors import InputError
from ctt_net.imaging.segmentation import (
    COLUMNS,
    LESIONS,
    ONNX_FILE,
    ROWS,
    SURFACES,
    WEIGHTS_FOLDER,
    Segmentation,
)
from ctt_net.io.json_file import read_json
from ctt_net.io.onnx_file import open_onnx

if TYPE_CHECKING:
    import onnxruntime

CARD_FILE = "segmentation.json"
OUTPUTS = ("surfaces", "spread", "lesions")

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]


def network_input(pixels: Grey) -> Floats:
    """A scan as the network takes it: its size, mean 0 and SD 1.

    Args:
        pixels: (H, W) grey.

    Returns:
        (256, 384).
    """
    return normalised(cv2.resize(pixels, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA))


def normalised(pixels: NDArray[np.generic]) -> Floats:
    """A picture by its own mean and SD, as devices differ in both."""
    values = pixels.astype(np.float32)
    return np.asarray((values - values.mean()) / (values.std() + 1.0), dtype=np.float32)


class Segmenter:
    """A segmentation network in ONNX Runtime.

    Args:
        session: Its graph: scans (B, 1, 256, 384) to surfaces and spread (B, 9, 384) and lesions
            (B, 6, 256, 384).
        error_sd: Name of a measure to the SD of its error on unseen simulated scans.
    """

    def __init__(
        self, session: "onnxruntime.InferenceSession", error_sd: Mapping[str, float] | None = None
    ) -> None:
        self._session = session
        self.error_sd = dict(error_sd or {})

    @classmethod
    def load(cls, path: Path | str | None = None) -> "Segmenter":
        """Load a network.

        Args:
            path: Folder that `ctt-net train-segmenter` wrote; None = the network in this package,
                which is opened once per process.

        Raises:
            InputError: If there is none.
        """
        return _default() if path is None else cls._open(Path(path))

    @classmethod
    def _open(cls, folder: Path) -> "Segmenter":
        path, card = folder / ONNX_FILE, folder / CARD_FILE
        fix = "train one: ctt-net train-segmenter --out FOLDER"
        session = open_onnx(path, fix)
        found = [[*node.shape[1:]] for node in (*session.get_inputs(), *session.get_outputs())]
        by_column = [len(SURFACES), COLUMNS]
        expected = [[1, ROWS, COLUMNS], by_column, by_column, [len(LESIONS), ROWS, COLUMNS]]
        if found != expected:
            raise InputError(f"{path}: no segmentation network of this version; {fix}")
        return cls(session, read_json(card, _error_sd))

    def run(self, scans: Floats) -> tuple[Floats, Floats, Floats]:
        """Surfaces, spread and lesions of (B, 1, 256, 384) scans, as the graph gives them."""
        surfaces, spread, lesions = self._session.run(list(OUTPUTS), {"scans": scans})
        return surfaces, spread, lesions

    def segment(self, pixels: Grey) -> Segmentation:
        """Segment a scan: the mean of what the network says of it and of its mirror image.

        Args:
            pixels: (H, W) grey, vitreous up, as `ctt_net.imaging.read_bscan` gives it.

        Raises:
            ValueError: If it is no grey picture.
        """
        if pixels.ndim != 2 or pixels.dtype != np.uint8 or min(pixels.shape) < 2:
            raise ValueError(f"a scan is (H, W) uint8, got {pixels.dtype} {pixels.shape}")
        scan = network_input(pixels)
        both = np.stack([scan, scan[:, ::-1]])[:, None]
        surfaces, spread, lesions = self.run(both)
        apart = np.abs(surfaces[0] - surfaces[1, :, ::-1])
        return upsampled(
            0.5 * (surfaces[0] + surfaces[1, :, ::-1]),
            0.5 * (spread[0] + spread[1, :, ::-1] + apart),
            0.5 * (lesions[0] + lesions[1, ..., ::-1]),
            pixels,
        )


def _error_sd(card: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in card["error_sd"].items()}


@lru_cache(maxsize=1)
def _default() -> Segmenter:
    return Segmenter._open(WEIGHTS_FOLDER)


def upsampled(surfaces: Floats, spread: Floats, lesions: Floats, pixels: Grey) -> Segmentation:
    """What a network said, in the geometry of the scan.

    Args:
        surfaces: (9, 384) rows of the network's input.
        spread: (9, 384) the same.
        lesions: (6, 256, 384) probabilities.
        pixels: (H, W) the scan.
    """
    height, width = pixels.shape
    scale = height / ROWS
    return Segmentation(
        surfaces=_columns((surfaces + 0.5) * scale - 0.5, width),
        lesions=np.stack([cv2.resize(one, (width, height)) for one in lesions]),
        visible=np.asarray(pixels.max(axis=0) > 0),
        spread=_columns(spread * scale, width),
    )


def _columns(lines: Floats, width: int) -> Floats:
    """Lines of 384 columns at another width; pixel centres stay where they are."""
    return np.asarray(cv2.resize(lines, (width, len(lines))), dtype=np.float32)
