"""What a network says of eyes, before calibration."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ModelOutput:
    """What one network says of E eyes, before calibration.

    Args:
        postop_logmar: (E,).
        scale_logmar: (E,).
        recovery_logit: (E, K), NaN where an outcome needs a preop acuity that is unknown.
        embedding: (E, D) what the network's head reads of an eye; None of a network that does not
            tell.
    """

    postop_logmar: NDArray[np.float64]
    scale_logmar: NDArray[np.float64]
    recovery_logit: NDArray[np.float64]
    embedding: NDArray[np.float64] | None = None
