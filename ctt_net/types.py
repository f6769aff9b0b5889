"""One eye, a batch of eyes, and what a network says of them: types and axes of every layer.

Axes: B eyes, V views, N = B*V B-scans, C channels, H depth (axial), W width (lateral),
T tokens of a view, F covariates, D embedding, K outcomes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

EYES = ("OD", "OS")  # right, left


@dataclass(frozen=True)
class EyeSample:
    """One eye before surgery, and what is known of it after.

    Args:
        eye_id: Its row in the manifest.
        views: (V, H, W) uint8 grey B-scans in the right eye's orientation; absent ones are zero.
        view_present: (V,) bool.
        preop_logmar: Preoperative acuity, NaN = unknown.
        postop_lower_logmar: Best that the postoperative acuity may be, -inf = open, NaN = unknown
            (when predicting).
        postop_upper_logmar: Worst that it may be, inf = open; equal where it is known exactly.
        covariates: (F,) float32 as in `EyeBatch`, or None where a network takes none.
    """

    eye_id: str
    views: NDArray[np.uint8]
    view_present: NDArray[np.bool_]
    preop_logmar: float
    postop_lower_logmar: float = float("nan")
    postop_upper_logmar: float = float("nan")
    covariates: NDArray[np.float32] | None = None


class EyeBatch(NamedTuple):
    """B eyes as tensors; a tuple, so that every device and strategy can move it.

    Args:
        views: (B, V, 1, H, W) uint8; the network scales and normalises.
        view_present: (B, V) bool.
        preop_logmar: (B,) float32, NaN = unknown.
        postop_lower_logmar: (B,) float32 as in `EyeSample`.
        postop_upper_logmar: (B,) float32.
        position: (B,) int64, row of each eye in the dataset's table.
        covariates: (B, F) float32: a number in its own unit or the index of a level, NaN = unknown.
    """

    views: Tensor
    view_present: Tensor
    preop_logmar: Tensor
    postop_lower_logmar: Tensor
    postop_upper_logmar: Tensor
    position: Tensor
    covariates: Tensor

    @property
    def postop_logmar(self) -> Tensor:
        """(B,) the acuity after surgery, NaN where it is not known exactly."""
        lower, upper = self.postop_lower_logmar, self.postop_upper_logmar
        return lower.where(lower == upper, float("nan"))


class Prediction(NamedTuple):
    """What a network predicts for B eyes.

    Args:
        postop_logmar: (B,) location.
        scale_logmar: (B,) positive scale of the head's distribution around it.
        recovery_logit: (B, K), one per outcome; NaN-free, but without meaning for a gain outcome
            of an eye whose preoperative acuity is unknown.
        native: (B, P) what the head's own loss is computed from, in its own terms.
    """

    postop_logmar: Tensor
    scale_logmar: Tensor
    recovery_logit: Tensor
    native: Tensor


@dataclass(frozen=True)
class ModelOutput:
    """What one network predicts for E eyes, before calibration.

    Args:
        postop_logmar: (E,).
        scale_logmar: (E,).
        recovery_logit: (E, K), NaN where an outcome needs a preop acuity that is unknown.
        embedding: (E, D) what the network's head reads of an eye; None of a network without
            that output.
    """

    postop_logmar: NDArray[np.float64]
    scale_logmar: NDArray[np.float64]
    recovery_logit: NDArray[np.float64]
    embedding: NDArray[np.float64] | None = None
