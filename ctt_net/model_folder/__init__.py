"""Door 2: the self-contained model folder; nothing in it is ever unpickled."""

from ctt_net.model_folder.baselines import read_baselines, write_baselines
from ctt_net.model_folder.calibration import Calibration
from ctt_net.model_folder.flags import eye_flags, flag_in_words
from ctt_net.model_folder.predictor import (
    ONNX_FILE,
    Estimate,
    Member,
    Predictor,
    Raw,
    model_folders,
)
from ctt_net.model_folder.provenance import Provenance, fingerprints, new_salt
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.model_folder.table import arrange_views, predict_eyes

__all__ = [
    "ONNX_FILE",
    "Calibration",
    "Estimate",
    "Member",
    "ModelSpec",
    "Predictor",
    "Provenance",
    "Raw",
    "arrange_views",
    "eye_flags",
    "fingerprints",
    "flag_in_words",
    "model_folders",
    "new_salt",
    "predict_eyes",
    "read_baselines",
    "write_baselines",
]
