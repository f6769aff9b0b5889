"""Predictors without images: what every result is compared with."""

from ctt_net.baselines.clinical import (
    Baselines,
    average_baselines,
    baseline_label,
    cross_fit_baselines,
    left_out_baselines,
    read_baselines,
    write_baselines,
)
