"""The same heat maps from gradients of the torch network; needs the extras `train` and `explain`.

Integrated gradients (Sundararajan 2017, arXiv 1703.01365) from the blurred scan to the scan give
each pixel a part of the difference between the two predictions. Pixel by pixel they are noise; the
sum over the window around a pixel is of the unit of occlusion. Regions that say the same share what
they say, where occlusion of one changes little.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.data.covariates import covariate_values
from ctt_net.data.scans import Scans
from ctt_net.errors import InputError, install_extra
from ctt_net.explain.heat_map import HeatMaps, blurred_picture, window_mask
from ctt_net.model_folder.predictor import Predictor

if TYPE_CHECKING:
    from torch import nn

STEPS = 32


def gradient_maps(
    predictor: Predictor, networks: "Sequence[nn.Module]", table: pd.DataFrame, scans: Scans
) -> list[HeatMaps]:
    """Heat maps as `occlusion_maps` makes them, from integrated gradients.

    Args:
        predictor: One model or an ensemble.
        networks: The torch network of each of its members, in eval mode.
        table: E rows of a cohort.
        scans: Of the same eyes, in the network's order of views.

    Raises:
        InputError: If captum is not installed.
    """
    names = list(predictor.spec.views)
    mean = np.mean(
        [
            member.image_weight * _attributions(network, table, scans, predictor)
            for member, network in zip(predictor.members, networks, strict=True)
        ],
        axis=0,
    )  # (E, V, H, W)
    return [
        {names[v]: _windowed(mean[i, v]) for v in np.flatnonzero(scans.present[i])}
        for i in range(len(table))
    ]


def _attributions(
    network: "nn.Module", table: pd.DataFrame, scans: Scans, predictor: Predictor
) -> NDArray[np.float32]:
    """(E, V, H, W) part of each pixel in the network's prediction, logMAR."""
    try:
        import torch
        from captum.attr import IntegratedGradients
    except ModuleNotFoundError as error:
        raise InputError(
            f"gradient-based heat maps need {error.name}, which is not installed; "
            f"{install_extra('train,explain')}"
        ) from None

    def location(views: Any, *known: Any) -> Any:
        return network(views, *known).postop_logmar

    blurred = np.stack([[blurred_picture(one) for one in eye] for eye in scans.pixels])
    known = (
        torch.from_numpy(scans.present),
        torch.from_numpy(table["preop_logmar"].to_numpy(np.float32)),
        torch.from_numpy(covariate_values(table, predictor.spec.covariates)),
    )
    # No target: the output is one number, and no class is asked for.
    found = IntegratedGradients(location).attribute(
        torch.from_numpy(scans.pixels[:, :, None].astype(np.float32)),
        baselines=torch.from_numpy(blurred[:, :, None]),
        target=None,
        additional_forward_args=known,
        n_steps=STEPS,
        internal_batch_size=STEPS,
    )
    return np.asarray(found.detach()[:, :, 0], dtype=np.float32)


def _windowed(parts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum over the window around each pixel: (H, W)."""
    H, W = parts.shape
    odd = (2 * (H // 2) + 1, 2 * (W // 2) + 1)
    kernel = window_mask(odd, odd[0] // 2, odd[1] // 2)
    summed = cv2.filter2D(parts, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(summed, dtype=np.float32)
