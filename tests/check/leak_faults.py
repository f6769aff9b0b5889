"""Leaks and shortcuts to plant: columns that tell the outcome."""

import numpy as np
import pandas as pd

from ctt_net.acuity import decimal_from_logmar
from tests.check.table_faults import fault, logmar


def by_patient(cohort, values):
    return values.groupby(cohort.table["patient_id"]).transform("mean")


@fault("covariate-holds-outcome", "error")
def the_outcome_under_another_name(cohort):
    noise = np.random.default_rng(0).normal(0, 0.005, len(cohort.table))
    cohort.table["reading"] = (50 - 50 * logmar(cohort) + noise).map("{:.3f}".format)
    cohort.spec["covariates"]["reading"] = {"kind": "numeric"}


@fault("covariate-holds-outcome", "error")
def the_change_of_acuity_as_covariate(cohort):
    change = logmar(cohort, "preop_va") - logmar(cohort)
    cohort.table["delta"] = change.map("{:.2f}".format)
    cohort.spec["covariates"]["delta"] = {"kind": "numeric"}


@fault("covariate-holds-outcome", "error")
def a_grade_made_from_the_outcome(cohort):
    bands = pd.cut(logmar(cohort), [-1, -0.05, 0.05, 0.15, 0.25, 0.45, 4], labels=list("abcdef"))
    cohort.table["grade"] = bands.astype(str)
    cohort.spec["covariates"]["grade"] = {"kind": "categorical", "levels": list("abcdef")}


@fault("covariate-holds-outcome", "error")
def whether_the_eye_did_well(cohort):
    cohort.table["well"] = (logmar(cohort) <= 0.15).astype(int).astype(str)
    cohort.spec["covariates"]["well"] = {"kind": "binary"}


@fault("covariate-named-as-outcome", "warning")
def a_covariate_called_outcome(cohort):
    numbers = np.random.default_rng(0).normal(size=len(cohort.table))
    cohort.table["outcome_score"] = [f"{number:.3f}" for number in numbers]
    cohort.spec["covariates"]["outcome_score"] = {"kind": "numeric"}


@fault("measure-contradicts-table", "warning")
def a_hole_measured_with_another_scale(cohort):
    by_hand = np.random.default_rng(0).uniform(200, 600, len(cohort.table)).round()
    measured = by_hand + 20
    measured[3] = by_hand[3] * 4
    for name, values in (("hole_um", by_hand), ("horizontal_hole_base_diameter_um", measured)):
        cohort.table[name] = [f"{value:g}" for value in values]
        cohort.spec["covariates"][name] = {"kind": "numeric", "unit": "um"}
    declared = cohort.spec["covariates"]["horizontal_hole_base_diameter_um"]
    declared |= {"measured_in": "horizontal", "same_as": "hole_um"}


@fault("column-holds-outcome", "warning")
def the_outcome_again_undeclared(cohort):
    cohort.table["x17"] = decimal_from(logmar(cohort))


def decimal_from(values):
    return [f"{decimal_from_logmar(value):.3f}" for value in values]


@fault("device-predicts-outcome", "warning")
def the_poor_eyes_on_one_device(cohort):
    mean = by_patient(cohort, logmar(cohort))
    noise = np.random.default_rng(0).normal(0, 0.1, len(mean))
    poor = by_patient(cohort, mean + noise) > mean.median()
    cohort.table["device"] = np.where(poor, "cirrus_like", "heidelberg_like")


@fault("site-predicts-outcome", "warning")
def a_site_that_sends_poor_eyes(cohort):
    mean = by_patient(cohort, logmar(cohort))
    cohort.table.loc[mean > mean.quantile(0.8), "site"] = "west"
    cohort.table.loc[mean <= mean.quantile(0.3), "site"] = "north"
