"""Door 2: the self-contained model folder; nothing in it is ever unpickled."""

from ctt_net.model_folder.abstention import Abstention
from ctt_net.model_folder.abstention_rule import ABSTAIN, BECAUSE, abstain_because
from ctt_net.model_folder.baselines import read_baselines, write_baselines
from ctt_net.model_folder.calibration import (
    CALIBRATION_FILE,
    OUT_OF_FOLD,
    SELECTION,
    Calibration,
)
from ctt_net.model_folder.calibration_eyes import ERROR, calibration_eyes
from ctt_net.model_folder.calibration_interval import error_correlation
from ctt_net.model_folder.digests import refuse_links, resealed, seal, verify
from ctt_net.model_folder.ensemble import Estimate
from ctt_net.model_folder.facts import model_facts
from ctt_net.model_folder.flags import covariate_flags, flags_in_words
from ctt_net.model_folder.member import ONNX_FILE, OUTPUTS, Member, Raw, Session
from ctt_net.model_folder.predictor import Predictor, model_folders
from ctt_net.model_folder.provenance import (
    ORIGIN_COLUMNS,
    Provenance,
    fingerprints,
    joined,
    known_origins,
    new_salt,
    origins_of,
    patient_fingerprints,
)
from ctt_net.model_folder.recalibration import recalibration
from ctt_net.model_folder.scan_features import features_of
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.model_folder.table import (
    arrange_views,
    predict_eyes,
    predicted,
    refuse_other_covariates,
)
from ctt_net.model_folder.training_cloud import Cloud
