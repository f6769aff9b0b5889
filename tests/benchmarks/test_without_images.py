"""The comparison's baselines are those of every report."""

import numpy as np
import pytest

from benchmarks.comparison.without_images import _predict
from ctt_net.baselines.clinical import BASELINES, Baselines
from ctt_net.cohort import read_cohort
from ctt_net.errors import InputError


def test_every_name_of_a_plan_is_fitted_and_one_without_its_columns_is_refused(small_cohort):
    cohort = read_cohort(small_cohort)
    known = cohort.table[cohort.table["postop_logmar"].notna()]
    fitted = Baselines.fit(known, cohort.spec)
    with pytest.raises(InputError, match=r"declares no covariates measured in scans \(ctt-net"):
        _predict(fitted, "svm_measures", cohort, known)
    for name in set(BASELINES) - {"svm_measures"}:
        predicted = _predict(fitted, name, cohort, known)
        np.testing.assert_array_equal(predicted, fitted.predict(known)[name])
    bare = Baselines.fit(known, cohort.spec.model_copy(update={"covariates": {}}))
    with pytest.raises(InputError, match=r"declares no covariates; .* take preop_only"):
        _predict(bare, "covariates", cohort, known)
