"""A calibration of a whole ensemble by local eyes, in place of that of its training."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ctt_net.model_folder.spec import ModelSpec
from ctt_net.uncertainty.calibration import Calibration
from ctt_net.uncertainty.calibration_eyes import calibration_eyes
from ctt_net.uncertainty.model_output import ModelOutput


def recalibration(
    calibrations: Sequence[Calibration],
    spec: ModelSpec,
    raws: Sequence[ModelOutput],
    table: pd.DataFrame,
    measured_on: str,
) -> Calibration:
    """Scores of the ensemble itself on eyes that no member has seen (split conformal).

    Args:
        calibrations: Of the members until now; a probability with too few local events keeps its.
        spec: Names the outcomes.
        raws: What each member says of the eyes.
        table: Rows of a cohort, one per eye.
        measured_on: Which patients these are, for `calibration.json`.
    """
    logit = np.mean([raw.recovery_logit for raw in raws], axis=0)
    eyes = calibration_eyes(
        table,
        np.mean([raw.postop_logmar for raw in raws], axis=0),
        np.mean([raw.scale_logmar for raw in raws], axis=0),
        logit,
        spec.outcomes,
    )
    found = Calibration.measure(eyes, spec.outcomes, measured_on)
    recovery = {
        name: one if one.n_eyes else calibrations[0].recovery.get(name, one)
        for name, one in found.recovery.items()
    }
    return replace(found, recovery=recovery, members=len(calibrations), level=calibrations[0].level)
