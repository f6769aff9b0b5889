"""What made a prediction: kept with every result, so that it can be made again and compared."""

import platform
from typing import Any

import onnxruntime

from ctt_net import __version__
from ctt_net.io.clock import utc_now
from ctt_net.model_folder.predictor import Predictor


def run_manifest(predictor: Predictor) -> dict[str, Any]:
    """When, by which model and by which programs.

    Args:
        predictor: What predicts.
    """
    return {
        "time": utc_now(),
        "model_digest": predictor.digest,
        "ctt_net_version": __version__,
        "python_version": platform.python_version(),
        "onnxruntime_version": onnxruntime.__version__,
        "system": platform.system(),
    }
