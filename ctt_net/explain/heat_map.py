"""Where in a scan the prediction comes from: what changes if a window of it shows nothing special.

Occlusion (Zeiler and Fergus 2014, doi 10.1007/978-3-319-10590-1_53) for a regression: the value of
a pixel is how much worse, in logMAR, the acuity is predicted with the window around that pixel as
it is than with the window replaced. The replacement is the scan blurred along its layers, and no
black or grey patch, which would look like a shadow or a hole.
"""

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.data.scans import Scans
from ctt_net.explain.contributions import repeated
from ctt_net.model_folder.predictor import Predictor

# View to (H, W), logMAR, in the grid of the network's input.
HeatMaps = dict[str, NDArray[np.float32]]

# As shares of the picture's height and width; the step between windows as a share of a window.
WINDOW = (0.25, 0.125)
STEP = 0.75
# SD of the blur along the layers, as a share of the width. Of the blurs and windows that were tried
# these find most of simulated lesions for their time (docs/experiments.md).
BLUR = 0.15


def occlusion_maps(predictor: Predictor, table: pd.DataFrame, scans: Scans) -> list[HeatMaps]:
    """Heat maps of the views that are there, of each eye.

    Args:
        predictor: One model or an ensemble.
        table: E rows of a cohort.
        scans: Of the same eyes, in the network's order of views.

    Returns:
        View to (H, W), logMAR, in the grid of the network's input: positive = with what the scan
        shows here, the acuity is predicted worse.
    """
    names = list(predictor.spec.views)
    return [
        {
            names[v]: _map(predictor, table.iloc[[i]], scans.of(np.array([i])), int(v))
            for v in np.flatnonzero(scans.present[i])
        }
        for i in range(len(table))
    ]


def _map(predictor: Predictor, row: pd.DataFrame, scans: Scans, view: int) -> NDArray[np.float32]:
    """(H, W) of one view of one eye."""
    picture = scans.pixels[0, view]
    size = picture.shape
    if predictor.image_weights == [0.0] * len(predictor.members):
        return np.zeros(size, dtype=np.float32)  # no picture changes anything
    rows, columns = (centres(n, share) for n, share in zip(size, WINDOW, strict=True))
    table, many = repeated(row, scans, len(rows) * len(columns) + 1)
    blurred = blurred_picture(picture)
    for k, (y, x) in enumerate(
        np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
    ):
        mask = window_mask(size, y, x)
        mixed = picture + mask * (blurred - picture)
        many.pixels[k, view] = np.rint(mixed)
    predicted = predictor.estimate(predictor.outputs(table, many), table).postop_logmar
    change = (predicted[-1] - predicted[:-1]).reshape(len(rows), len(columns))
    return _between(change.astype(np.float32), rows, columns, size)


def centres(pixels: int, share: float) -> NDArray[np.float64]:
    """Centres of windows along one side, from edge to edge, `STEP` of a window apart at most."""
    count = int(np.ceil(1 / (share * STEP))) + 1
    return np.linspace(0, pixels - 1, count)


def window_mask(size: tuple[int, ...], y: float, x: float) -> NDArray[np.float32]:
    """1 in the middle of a window, falling to 0 at its edge: a hard edge would be seen itself."""
    sides = [
        np.clip(2 - np.abs(np.arange(n) - at) / (n * share / 4), 0, 1)
        for n, share, at in zip(size, WINDOW, (y, x), strict=True)
    ]
    return np.outer(*sides).astype(np.float32)


def blurred_picture(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What stands in for a window: layers that run on, nothing that begins or ends."""
    blurred = cv2.GaussianBlur(
        picture.astype(np.float32),
        (0, 1),  # rows stay apart
        sigmaX=BLUR * picture.shape[1],
        borderType=cv2.BORDER_REFLECT,
    )
    return np.asarray(blurred, dtype=np.float32)


def _between(
    change: NDArray[np.float32],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    size: tuple[int, ...],
) -> NDArray[np.float32]:
    """Interpolate bilinearly between the windows' centres."""
    y = np.interp(np.arange(size[0]), rows, np.arange(len(rows)))
    x = np.interp(np.arange(size[1]), columns, np.arange(len(columns)))
    grid_x, grid_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return np.asarray(cv2.remap(change, grid_x, grid_y, cv2.INTER_LINEAR), dtype=np.float32)
