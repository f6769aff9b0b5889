"""Door 2: the self-contained model folder; nothing in it is ever unpickled."""

from ctt_net.model_folder.baselines import read_baselines, write_baselines
from ctt_net.model_folder.calibration import Calibration
from ctt_net.model_folder.flags import covariate_flags, eye_flags, flag_in_words
from ctt_net.model_folder.member import ONNX_FILE, Member, Raw, Session
from ctt_net.model_folder.predictor import Estimate, Predictor, model_folders
from ctt_net.model_folder.provenance import Provenance, fingerprints, new_salt
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.model_folder.table import arrange_views, predict_eyes, refuse_other_covariates

__all__ = [
    "ONNX_FILE",
    "Calibration",
    "Estimate",
    "Member",
    "ModelSpec",
    "Predictor",
    "Provenance",
    "Raw",
    "Session",
    "arrange_views",
    "covariate_flags",
    "eye_flags",
    "fingerprints",
    "flag_in_words",
    "model_folders",
    "new_salt",
    "predict_eyes",
    "read_baselines",
    "refuse_other_covariates",
    "write_baselines",
]
