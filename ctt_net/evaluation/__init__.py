"""Tables in, numbers and reports out: no torch, no images."""

from ctt_net.evaluation.baselines import (
    COVARIATE_BASELINES,
    Baselines,
    average_baselines,
    baseline_label,
    cross_fit_baselines,
)
from ctt_net.evaluation.comparison import comparison_table, render_table, verdict
from ctt_net.evaluation.metrics import evaluate, write_metrics
from ctt_net.evaluation.predictions import read_predictions, write_predictions
from ctt_net.evaluation.report import REPORT_FILE
from ctt_net.evaluation.results import Setting, write_results
