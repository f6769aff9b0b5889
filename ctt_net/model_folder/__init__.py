"""The self-contained model folder; nothing in it is ever unpickled."""

from ctt_net.model_folder.digests import check_no_links, resealed, seal, verify
from ctt_net.model_folder.ensemble import Estimate
from ctt_net.model_folder.facts import model_facts
from ctt_net.model_folder.member import ONNX_FILE, OUTPUTS, Member, Session
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
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.model_folder.table import (
    arrange_views,
    check_same_covariates,
    predict_eyes,
    predicted,
)
