"""What made a prediction: kept with every result, so that it can be made again and compared."""

import datetime
import os
import platform
from typing import Any

import onnxruntime

from ctt_net import __version__
from ctt_net.model_folder.predictor import Predictor


def run_manifest(predictor: Predictor) -> dict[str, Any]:
    """When, by which model and by which programs.

    The time is that of `SOURCE_DATE_EPOCH` where the environment sets it, as for reproducible
    builds: two runs then give the same bytes.

    Args:
        predictor: What predicts.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.datetime.now(datetime.UTC)
    if epoch is not None and epoch.isdecimal():
        now = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC)
    return {
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "model_digest": predictor.digest,
        "ctt_net_version": __version__,
        "python_version": platform.python_version(),
        "onnxruntime_version": onnxruntime.__version__,
        "system": platform.system(),
    }
