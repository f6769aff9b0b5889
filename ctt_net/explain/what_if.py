"""What would be predicted had the eye another preoperative acuity, all else as it is."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.data.scans import Scans
from ctt_net.explain.contributions import repeated
from ctt_net.model_folder.predictor import Predictor

LINE_LOGMAR = 0.1
# Of a model folder that does not tell the range of its training.
USUAL_RANGE_LOGMAR = (0.0, 1.0)


def preop_lines(predictor: Predictor) -> NDArray[np.float64]:
    """Chart lines within the preoperative acuities of the training, logMAR, best first."""
    low, high = predictor.preop_range_logmar or USUAL_RANGE_LOGMAR
    # A range that ends on a line ends there whatever its last digit.
    first, last = np.ceil(low / LINE_LOGMAR - 1e-6), np.floor(high / LINE_LOGMAR + 1e-6)
    return np.round(np.arange(first, last + 1) * LINE_LOGMAR, 1) + 0.0  # no minus zero


def what_if(predictor: Predictor, table: pd.DataFrame, scans: Scans) -> list[pd.DataFrame]:
    """Predicted acuity and interval of each eye at every chart line that it might have read.

    It is what the model says of such an eye, and no effect: nobody changes the acuity of an eye
    and nothing else of it.

    Args:
        predictor: One model or an ensemble.
        table: E rows of a cohort.
        scans: Of the same eyes, in the network's order of views.

    Returns:
        Of each eye one row per line: `preop_logmar`, `predicted_logmar`, `lower_logmar`,
        `upper_logmar`.
    """
    lines = preop_lines(predictor)
    curves = []
    for i in range(len(table)):
        many, same = repeated(table.iloc[[i]], scans.of(np.array([i])), len(lines))
        many["preop_logmar"], many["preop_off_chart"] = lines, ""
        estimate = predictor.estimate(predictor.outputs(many, same), many)
        curves.append(
            pd.DataFrame(
                {
                    "preop_logmar": lines,
                    "predicted_logmar": estimate.postop_logmar,
                    "lower_logmar": estimate.lower_logmar,
                    "upper_logmar": estimate.upper_logmar,
                }
            )
        )
    return curves
