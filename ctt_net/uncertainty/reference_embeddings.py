"""`training_cloud.safetensors`: where the training eyes lie, as a mean and a covariance.

Two clouds: of the embeddings that the network's head reads, and of the scans' own features. A mean
and a covariance of hundreds of eyes hold nothing of any one of them.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save
from sklearn.covariance import LedoitWolf

from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.read_text import read_bytes

CLOUD_FILE = "training_cloud.safetensors"


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points of the training.

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
    def fit(cls, points: NDArray[np.float64]) -> "Cloud":
        """Mean and shrunk covariance (Ledoit and Wolf 2004, doi 10.1016/S0047-259X(03)00096-4).

        Args:
            points: (E, D), two or more.
        """
        spread = points.std(axis=0)
        # What never varied in the training may vary a little without being far from it.
        spread = np.maximum(spread, 1e-3 * max(float(spread.max()), 1e-6))
        covariance = LedoitWolf().fit((points - points.mean(axis=0)) / spread).covariance_
        return cls(points.mean(axis=0), covariance * np.outer(spread, spread))

    @cached_property
    def _whitening(self) -> NDArray[np.float64]:
        values, vectors = np.linalg.eigh(self.covariance)
        values = np.maximum(values, 1e-9 * max(float(values.max()), 1e-12))
        whitening: NDArray[np.float64] = vectors / np.sqrt(values)
        return whitening

    def distance(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mahalanobis distance from the mean, NaN where a point is: (...,).

        Args:
            points: (..., D).
        """
        distance: NDArray[np.float64] = np.linalg.norm(
            (points - self.mean) @ self._whitening, axis=-1
        )
        return distance


def write_clouds(clouds: dict[str, Cloud], folder: Path) -> None:
    """Write `training_cloud.safetensors`, tensors only."""
    tensors = {}
    for name, cloud in clouds.items():
        tensors[f"{name}.mean"] = np.ascontiguousarray(cloud.mean)
        tensors[f"{name}.covariance"] = np.ascontiguousarray(cloud.covariance)
    atomic_write(folder / CLOUD_FILE, save(tensors))


def read_clouds(folder: Path) -> dict[str, Cloud]:
    """Read what `write_clouds` wrote.

    Raises:
        InputError: If it is missing or damaged.
    """
    path = folder / CLOUD_FILE
    try:
        tensors = load(read_bytes(path))
        names = sorted({name.partition(".")[0] for name in tensors})
        return {
            name: Cloud(tensors[f"{name}.mean"], tensors[f"{name}.covariance"]) for name in names
        }
    except InputError:
        raise
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{path}: damaged ({error}); export the model again") from None
