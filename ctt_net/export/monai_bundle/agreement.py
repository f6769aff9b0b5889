"""Whether two predictors say the same, asked of made-up eyes."""

import cv2
import numpy as np

from ctt_net.model_folder.predictor import Predictor


def largest_difference(one: Predictor, other: Predictor) -> float:
    """Largest difference in acuity, interval (logMAR) or probability; inf where one says NaN.

    Args:
        one: Any predictor.
        other: Of the same views, preprocessing and outcomes.
    """
    V, prepare = len(one.spec.views), one.spec.preprocessing
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (8, V, 8, 8)).astype(np.uint8)
    size = (prepare.width, prepare.height)
    pixels = np.stack(
        [[cv2.resize(view, size, interpolation=cv2.INTER_CUBIC) for view in eye] for eye in coarse]
    )
    present = rng.random((8, V)) > 0.3
    present[0], present[1] = True, False
    preop = np.append(rng.uniform(0, 1.5, 6), [np.nan, 2.7])
    pixels[~present] = 0
    F = len(one.spec.covariates)
    covariates = rng.integers(0, 2, (8, F)).astype(np.float32)  # a level and a number alike
    covariates[rng.random((8, F)) > 0.7] = np.nan
    found = [predictor.predict(pixels, present, preop, covariates) for predictor in (one, other)]
    worst = 0.0
    for name in ("postop_logmar", "lower_logmar", "upper_logmar", "p_recovery"):
        ours, theirs = (getattr(estimate, name) for estimate in found)
        if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
            return float("inf")
        worst = max(worst, float(np.nanmax(np.abs(ours - theirs), initial=0)))
    return worst
