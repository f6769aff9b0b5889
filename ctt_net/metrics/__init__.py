"""Measures of predicted acuity and recovery: functions of arrays, and the patient bootstrap.

Example:
    >>> from ctt_net.metrics import mae, patient_bootstrap
    >>> round(mae([0.1, 0.4, 0.3], [0.0, 0.2, 0.3]), 3)
    0.1
"""

from ctt_net.metrics.agreement import (
    calibration_line,
    ccc,
    difference_slope,
    icc,
    limits_of_agreement,
)
from ctt_net.metrics.bootstrap import patient_bootstrap
from ctt_net.metrics.calibration import calibration_bins, calibration_intercept, calibration_slope
from ctt_net.metrics.classification import (
    auroc,
    average_precision,
    brier,
    f1,
    npv,
    precision,
    sensitivity,
    specificity,
)
from ctt_net.metrics.decision_curve import net_benefit
from ctt_net.metrics.prediction_intervals import coverage, mean_width
from ctt_net.metrics.regression import bias, mae, median_ae, r2, rmse, spearman, within_logmar
from ctt_net.metrics.selective import aurc, ccrc, risk_at_coverage
