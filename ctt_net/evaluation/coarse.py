"""Eyes that are nearly alike, counted together, so that figures by rank of many eyes stay quick.

Only where there are more than `FINE_EYES`: such a figure is measured on the eyes themselves, and
its interval on cells of like eyes, moved by what the cells differ from the eyes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ctt_net.evaluation.bootstrap import Draws, Statistics, Weights

FINE_EYES = 20_000

Floats = NDArray[np.float64]


class Cells:
    """Cells of eyes that share every key.

    Args:
        keys: (eyes,) whole numbers each.
        chosen: (eyes,) the eyes that count.
    """

    def __init__(self, keys: Sequence[NDArray[np.integer[Any]]], chosen: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(chosen)
        stacked = np.column_stack(keys)[rows]
        _, self._cell = np.unique(stacked, axis=0, return_inverse=True)
        self._rows, self._count = rows, np.bincount(self._cell).astype(np.float64)
        shape = (len(self._count), len(chosen))
        self._sums = sparse.csr_array((np.ones(len(rows)), (self._cell, rows)), shape=shape)

    def mean(self, values: Floats) -> Floats:
        """Mean of each cell: (cells,).

        Args:
            values: (eyes,).
        """
        return np.bincount(self._cell, weights=values[self._rows]) / self._count

    def weights(self, weights: Weights) -> Weights:
        """How often eyes of each cell were drawn: (resamples, cells)."""
        return np.asarray(self._sums @ np.ascontiguousarray(weights.T)).T


def like_values(values: Floats, cells: int) -> NDArray[np.int64]:
    """Number of the cell of like values, equal ones together, cells of about as many eyes: (eyes,).

    Args:
        values: (eyes,), no NaN.
        cells: How many at most.
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle_rank = (np.cumsum(count) - count / 2 + 0.5)[place]
    return (middle_rank * cells / (len(values) + 1)).astype(np.int64)


def measured_finely(fine: Statistics, coarse: Statistics, n_eyes: int) -> Statistics:
    """Coarse draws, moved so that the value itself is the fine one.

    Args:
        fine: Figures of the eyes themselves.
        coarse: The same figures of cells.
        n_eyes: Eyes that the weights are of.
    """
    even = np.ones((1, n_eyes))
    with np.errstate(invalid="ignore", divide="ignore"):
        exact, about = fine(even), coarse(even)

    def figures(weights: Weights) -> Draws:
        draws = coarse(weights)
        return {path: values + (exact[path] - about[path]) for path, values in draws.items()}

    return figures
