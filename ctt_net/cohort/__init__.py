"""The cohort folder, its declarations, its folds and what may be wrong with it."""

from ctt_net.cohort.covariate import Covariate, impossible_value
from ctt_net.cohort.folder import Cohort, inspect_cohort, read_cohort, write_cohort
from ctt_net.cohort.folds import (
    development_rows,
    fold_rows,
    make_folds,
    read_folds,
    strata,
    val_rows,
    write_folds,
)
from ctt_net.cohort.outcomes import exactly_known, is_censored, outcome_bounds
from ctt_net.cohort.problem import CohortError, Problem
from ctt_net.cohort.schema import AcuityColumns, CohortSpec, Device, Direction, View
