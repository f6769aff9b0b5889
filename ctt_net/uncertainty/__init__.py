"""How sure a prediction is: conformal intervals, calibrated probabilities, abstention."""

from ctt_net.uncertainty.abstention import ABSTAIN, BECAUSE, abstain_because
from ctt_net.uncertainty.abstention_limits import Abstention
from ctt_net.uncertainty.calibration import (
    CALIBRATION_FILE,
    OUT_OF_FOLD,
    SELECTION,
    Calibration,
)
from ctt_net.uncertainty.calibration_eyes import ERROR, calibration_eyes
from ctt_net.uncertainty.conformal import error_correlation
from ctt_net.uncertainty.flags import covariate_flags, flags_in_words
from ctt_net.uncertainty.reference_embeddings import Cloud
from ctt_net.uncertainty.scan_features import features_of
