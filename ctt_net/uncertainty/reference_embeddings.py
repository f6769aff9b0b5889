"""`reference_embeddings.safetensors`: the distribution of the training eyes, for OOD detection.

Mean and covariance of two kinds of features: of the embeddings that the network's head takes, and
of 17 plain figures of every scan. A network's own embedding does not separate an OCT scan from a
fundus photograph, since a network ignores whatever it was not trained to use
(docs/concepts/abstention.md); the plain figures are learned from nothing: how much a
scan is layered, and how bright and how uneven it
is at each depth. A mean and a covariance of hundreds of eyes hold nothing of any one.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ctt_net.errors import InputError
from ctt_net.imaging.artifacts.panel import layering
from ctt_net.io import renamed
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.read_text import read_bytes

EMBEDDINGS_FILE = "reference_embeddings.safetensors"

# Bands of equal height from top to bottom, and columns that are compared within one.
BANDS = 8
_COLUMNS = 24

# Grey levels below which a difference is noise, so that the logarithm of black is finite.
_FAINT = 4.0


@dataclass(frozen=True, eq=False)
class ReferenceEmbeddings:
    """Mean and covariance of one kind of features of the training eyes.

    Args:
        mean: (D,).
        covariance: (D, D).

    Raises:
        ValueError: If the shapes do not fit or a number is not finite.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def __post_init__(self) -> None:
        D = len(self.mean)
        if self.mean.shape != (D,) or self.covariance.shape != (D, D):
            raise ValueError(f"mean {self.mean.shape} and covariance {self.covariance.shape}")
        if not (np.isfinite(self.mean).all() and np.isfinite(self.covariance).all()):
            raise ValueError("a number is not finite")

    @classmethod
    def fit(cls, features: NDArray[np.float64]) -> "ReferenceEmbeddings":
        """Mean and shrunk covariance (Ledoit and Wolf 2004, doi 10.1016/S0047-259X(03)00096-4).

        Args:
            features: (E, D), two or more.
        """
        spread = features.std(axis=0)
        # A feature that is constant in training may vary a little without being far from it.
        spread = np.maximum(spread, 1e-3 * max(float(spread.max()), 1e-6))
        # Here and not above: a prediction, which fits nothing, starts sooner.
        from sklearn.covariance import LedoitWolf

        covariance = LedoitWolf().fit((features - features.mean(axis=0)) / spread).covariance_
        return cls(features.mean(axis=0), covariance * np.outer(spread, spread))

    @cached_property
    def _whitening(self) -> NDArray[np.float64]:
        values, vectors = np.linalg.eigh(self.covariance)
        values = np.maximum(values, 1e-9 * max(float(values.max()), 1e-12))
        whitening: NDArray[np.float64] = vectors / np.sqrt(values)
        return whitening

    def distance(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mahalanobis distance from the mean: (..., D) -> (...,), NaN where a feature is."""
        whitened = (features - self.mean) @ self._whitening
        return np.asarray(np.linalg.norm(whitened, axis=-1), dtype=np.float64)

    def farthest(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Largest distance among the features of each eye: (E, ..., D) -> (E,), NaN without any."""
        distance = self.distance(features).reshape(len(features), -1)
        known = np.isfinite(distance)
        return np.where(known.any(axis=1), np.where(known, distance, -1.0).max(axis=1), np.nan)


def write_embeddings(references: dict[str, ReferenceEmbeddings], folder: Path) -> None:
    """Write `reference_embeddings.safetensors`, tensors only."""
    tensors = {}
    for name, one in references.items():
        tensors[f"{name}.mean"] = np.ascontiguousarray(one.mean)
        tensors[f"{name}.covariance"] = np.ascontiguousarray(one.covariance)
    atomic_write(folder / EMBEDDINGS_FILE, save(tensors))
    (folder / renamed.EMBEDDINGS_FILE).unlink(missing_ok=True)


def read_embeddings(folder: Path) -> dict[str, ReferenceEmbeddings]:
    """Read what `write_embeddings` wrote.

    Raises:
        InputError: If it is missing or damaged.
    """
    path, older = folder / EMBEDDINGS_FILE, folder / renamed.EMBEDDINGS_FILE
    if older.exists() and not path.exists():
        path = older
    try:
        tensors = load(read_bytes(path))
        names = sorted({name.partition(".")[0] for name in tensors})
        return {
            name: ReferenceEmbeddings(tensors[f"{name}.mean"], tensors[f"{name}.covariance"])
            for name in names
        }
    except InputError:
        raise
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{path}: damaged ({error}); export the model again") from None


def scan_features(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Logarithms of layering, and of brightness and unevenness of each band: (1 + 2 * BANDS,).

    Args:
        pixels: (H, W) preprocessed grey.
    """
    small = cv2.resize(pixels, (_COLUMNS, BANDS), interpolation=cv2.INTER_AREA).astype(np.float64)
    figures = np.concatenate([small.mean(axis=1), small.std(axis=1)])
    return np.concatenate([[np.log(layering(pixels))], np.log(figures + _FAINT)])


def features_of(pixels: NDArray[np.uint8], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Features of every scan: (E, V, 1 + 2 * BANDS), NaN where absent.

    Args:
        pixels: (E, V, H, W) preprocessed grey.
        present: (E, V).
    """
    features = np.full((*present.shape, 1 + 2 * BANDS), np.nan)
    for place in zip(*np.nonzero(present), strict=True):
        features[place] = scan_features(pixels[place])
    return features
