"""From a feature map to tokens: a grid of cells over the scan, one token each, row by row."""

from collections.abc import Callable

import torch
from torch import Tensor

from ctt_net.errors import InputError

Reduce = Callable[..., Tensor]


def checked_grid(rows: int, columns: int) -> tuple[int, int]:
    """The grid, if it is one.

    Raises:
        InputError: If it has no cell.
    """
    for name, number in (("rows", rows), ("columns", columns)):
        if number < 1:
            raise InputError(f"backbone.{name} must be 1 or more, got {number}")
    return rows, columns


def mean_of_cells(features: Tensor, rows: int, columns: int) -> Tensor:
    """Mean within each cell of a grid over a feature map.

    Cells of a map that does not divide evenly share the pixel between them, as torch's adaptive
    pools do it; of a map with fewer pixels than cells, several cells share a pixel.

    Args:
        features: (N, E, h, w).
        rows: Cells from top to bottom.
        columns: Cells from left to right.

    Returns:
        (N, T, E), T = rows * columns, row by row.
    """
    return _cells(features, rows, columns, torch.mean)


def maximum_of_cells(features: Tensor, rows: int, columns: int) -> Tensor:
    """Maximum within each cell; otherwise as `mean_of_cells`."""
    return _cells(features, rows, columns, torch.amax)


def _cells(features: Tensor, rows: int, columns: int, reduce: Reduce) -> Tensor:
    # A cell is a product of two ranges, so the axes can be reduced one after the other. Torch's
    # adaptive pools give the same, but uneven ones do not export to ONNX and have no
    # deterministic gradient on a GPU.
    strips = _pieces(features, rows, reduce, dim=2)  # (N, E, rows, w)
    return _pieces(strips, columns, reduce, dim=3).flatten(2).mT


def _pieces(features: Tensor, number: int, reduce: Reduce, dim: int) -> Tensor:
    length = features.shape[dim]
    if length == number:
        return features
    if length % number == 0:
        return reduce(features.unflatten(dim, (number, length // number)), dim=dim + 1)
    starts = [i * length // number for i in range(number)]
    ends = [-(-(i + 1) * length // number) for i in range(number)]
    return torch.stack(
        [
            reduce(features.narrow(dim, start, end - start), dim=dim)
            for start, end in zip(starts, ends, strict=True)
        ],
        dim=dim,
    )
