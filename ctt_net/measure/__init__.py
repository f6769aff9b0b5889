"""`ctt-net measure`: every scan of a cohort or a folder segmented and measured."""

from ctt_net.measure.columns import (
    ChosenMeasures,
    add_measures,
    declare_measures,
    measured_columns,
    with_measures,
)
from ctt_net.measure.run import measure_cohort, measure_scans, write_measures
from ctt_net.measure.sources import Source, cohort_sources, folder_sources
