from types import SimpleNamespace

import numpy as np
import pandas as pd

from ctt_net.cohort import Covariate
from ctt_net.metrics.subgroup_columns import (
    covariates_in_words,
    prediction_columns,
    subgroup_columns,
)


def cohort(spec, covariates=None, **columns):
    n = len(next(iter(columns.values())))
    table = pd.DataFrame({"eye_id": [f"e{i}" for i in range(n)], **columns})
    table["patient_id"] = columns.get("patient_id", table["eye_id"])
    declared = type(spec)(**{**spec.__dict__, "covariates": covariates or {}})
    return SimpleNamespace(table=table, spec=declared)


def test_columns_that_the_cohort_lacks_give_no_grouping(spec):
    groups = subgroup_columns(cohort(spec, laterality=["OD", "OS"]))
    assert list(groups) == []
    assert list(groups.index) == ["e0", "e1"]


def test_site_device_and_words_stand_as_they_are_and_empty_is_unknown(spec):
    groups = subgroup_columns(cohort(spec, site=["A", " B ", ""], device=["x", None, "x"]))
    assert groups["site"].tolist() == ["A", "B", "unknown"]
    assert groups["device"].tolist() == ["x", "unknown", "x"]


def test_age_and_length_fall_into_bands_and_sentinels_are_unknown(spec):
    groups = subgroup_columns(
        cohort(
            spec,
            age_years=["59.9", "60", "79", "80", "-9", ""],
            axial_length_mm=["25.99", "26", "31", "0", "", "word"],
        )
    )
    assert groups["age_band"].tolist() == [
        *("under 60 years", "60 to 69 years", "70 to 79 years", "80 years and over"),
        *("unknown", "unknown"),
    ]
    assert groups["axial_length_band"].tolist() == [
        *("below 26 mm", "26 mm and more", "26 mm and more", "unknown", "unknown", "unknown")
    ]


def test_binary_and_categorical_covariates_are_groupings_and_numbers_are_not(spec):
    declared = {
        "diabetes": Covariate(kind="binary"),
        "lens": Covariate(kind="categorical", levels=("clear", "dense")),
        "pressure": Covariate(kind="numeric"),
    }
    columns = {"diabetes": [0.0, 1.0, np.nan], "lens": ["clear", "dense", np.nan]}
    groups = subgroup_columns(cohort(spec, declared, pressure=[12.0, 13.0, 14.0], **columns))
    assert list(groups) == ["diabetes", "lens"]
    assert groups["diabetes"].tolist() == ["no", "yes", "unknown"]
    assert groups["lens"].tolist() == ["clear", "dense", "unknown"]


def test_the_eye_operated_first_is_told_by_the_days_of_surgery(spec):
    rows = [
        ("a", "2024-02-01", "first eye"),
        ("a", "2024-03-01", "second eye"),
        ("b", "2024-03-01", "both on one day"),
        ("b", "2024-03-01", "both on one day"),
        ("c", "2024-03-01", "only eye in the cohort"),
        ("d", "2024-03-01", "unknown"),
        ("d", "", "unknown"),
        ("e", "", "only eye in the cohort"),
    ]
    patients, days, expected = map(list, zip(*rows, strict=True))
    groups = subgroup_columns(cohort(spec, patient_id=patients, surgery_date=days))
    assert groups["eye_order"].tolist() == expected


def test_predictions_tell_band_quality_and_missing_scans(predictions):
    table = predictions.iloc[:5].copy()
    table["preop_logmar"] = [0.1, 0.3, 1.2, 2.3, np.nan]
    table["flags"] = ["", "low_quality", "missing_view:vertical;low_quality", "off_chart_preop", ""]
    columns = prediction_columns(table)
    assert columns["preop_band"].tolist() == [
        *("below 0.3", "0.3 to 0.5", "1.0 and more", "off the chart", "unknown")
    ]
    low = "low signal quality"
    assert columns["quality"].tolist() == ["usual", low, low, "usual", "usual"]
    assert columns["views"].tolist()[2] == "a scan is missing"
    assert (columns["views"] == "all scans").sum() == 4


def test_covariates_are_named_without_their_unit(spec):
    declared = {
        "age_years": Covariate(kind="numeric", unit="years"),
        "mh_size_um": Covariate(kind="numeric", unit="um"),
        "sex": Covariate(kind="categorical", levels=("F", "M")),
    }
    words = covariates_in_words(type(spec)(**{**spec.__dict__, "covariates": declared}))
    assert words == ["age", "mh size", "sex"]
