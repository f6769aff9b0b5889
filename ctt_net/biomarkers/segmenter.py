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
OUTPUTS = ("surfaces", "lesions")

# A scan is looked at more than once: for a macula, for its measures, for a page. These are the
# scans of both eyes of a patient; one takes 2.4 MB.
KEPT = 8

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]


def network_input(pixels: Grey) -> Floats:
    """A scan as the network takes it: its size, mean 0 and SD 1.

    Args:
        pixels: (H, W) grey.

    Returns:
        (256, 384).
    """
    return normalised(reduced(pixels))


def reduced(picture: NDArray[Any]) -> NDArray[Any]:
    """A picture (H, W) at the size of the network, (256, 384): means of areas."""
    return np.asarray(cv2.resize(picture, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA))


def normalised(pixels: NDArray[np.generic]) -> Floats:
    """A picture by its own mean and SD, as devices differ in both."""
    values = pixels.astype(np.float32)
    return np.asarray((values - values.mean()) / (values.std() + 1.0), dtype=np.float32)


class Segmenter:
    """A segmentation network in ONNX Runtime.

    Args:
        session: Its graph: scans (B, 1, 256, 384) to surfaces (B, 9, 384) and lesions
            (B, 6, 256, 384).
        error_sd: Name of a measure to the SD of its error on unseen simulated scans.
    """

    def __init__(
        self, session: "onnxruntime.InferenceSession", error_sd: Mapping[str, float] | None = None
    ) -> None:
        self._session = session
        self.error_sd = dict(error_sd or {})
        self._of_scan = lru_cache(maxsize=KEPT)(self._run)

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
        fix = "train one: ctt-net train-segmenter FOLDER"
        session = open_onnx(path, fix, threads=1)  # scans, not parts of one, go to the cores
        found = [[*node.shape[1:]] for node in (*session.get_inputs(), *session.get_outputs())]
        picture = [ROWS, COLUMNS]
        expected = [[1, *picture], [len(SURFACES), COLUMNS], [len(LESIONS), *picture]]
        if found != expected:
            raise InputError(f"{path}: no segmentation network of this version; {fix}")
        return cls(session, read_json(card, _error_sd))

    def run(self, picture: Floats) -> tuple[Floats, Floats]:
        """Surfaces (9, 384) and lesions (6, 256, 384), not to be changed.

        Args:
            picture: (256, 384) as of `network_input`.
        """
        return self._of_scan(picture.tobytes())

    def _run(self, picture: bytes) -> tuple[Floats, Floats]:
        scans = np.frombuffer(picture, np.float32).reshape(1, 1, ROWS, COLUMNS)
        surfaces, lesions = self._session.run(list(OUTPUTS), {"scans": scans})
        return surfaces[0], lesions[0]

    def segment(self, pixels: Grey) -> Segmentation:
        """Segment a scan.

        Args:
            pixels: (H, W) grey, vitreous up, as `ctt_net.imaging.read_bscan` gives it.

        Raises:
            ValueError: If it is no grey picture.
        """
        if pixels.ndim != 2 or pixels.dtype != np.uint8 or min(pixels.shape) < 2:
            raise ValueError(f"a scan is (H, W) uint8, got {pixels.dtype} {pixels.shape}")
        return upsampled(*self.run(network_input(pixels)), pixels)


def _error_sd(card: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in card["error_sd"].items()}


@lru_cache(maxsize=1)
def _default() -> Segmenter:
    return Segmenter._open(WEIGHTS_FOLDER)


def upsampled(surfaces: Floats, lesions: Floats, pixels: Grey) -> Segmentation:
    """What a network said, in the geometry of the scan.

    Args:
        surfaces: (9, 384) rows of the network's input.
        lesions: (6, 256, 384) probabilities.
        pixels: (H, W) the scan.
    """
    height, width = pixels.shape
    rows = (surfaces + 0.5) * (height / ROWS) - 0.5
    return Segmentation(
        # Pixel centres stay where they are.
        surfaces=np.asarray(cv2.resize(rows, (width, len(rows))), dtype=np.float32),
        lesions=np.stack([cv2.resize(one, (width, height)) for one in lesions]),
        visible=np.asarray(pixels.max(axis=0) > 0),
    )
