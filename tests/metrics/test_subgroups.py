import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ctt_net.metrics.subgroups import suppressed_groups
from tests.simulated_tables import evaluate_with_warnings as evaluate


@pytest.fixture
def groups(eyes):
    """A device with many eyes, one with few; a site that the model fails."""
    n = len(eyes)
    site = np.where(np.arange(n) < 50, "north", "south")
    device = np.select([np.arange(n) < 4, np.arange(n) < 60], ["rare", "old"], "new")
    diagnosis = np.select([np.arange(n) < 2, np.arange(n) < 4], ["one of a kind", "odd"], "drusen")
    columns = {"site": site, "device": device, "diagnosis": diagnosis}
    return pd.DataFrame(columns, index=eyes["eye_id"])


def measured(predictions, outcomes, groups, bootstrap=200):
    return evaluate(predictions, None, outcomes, groups=groups, bootstrap=bootstrap)


def test_figures_of_a_group_are_those_of_its_eyes_alone(predictions, outcomes, groups):
    predictions["flags"] = np.where(np.arange(120) % 7 == 0, "abstain", "")
    predictions.loc[:9, ["lower_logmar", "upper_logmar"]] = np.nan
    site = measured(predictions, outcomes, groups)["subgroups"]["site"]
    for name, rows in (("north", predictions[:50]), ("south", predictions[50:])):
        error = rows["predicted_logmar"] - rows["postop_logmar"]
        given = rows[rows["lower_logmar"].notna()]
        inside = given["postop_logmar"].between(given["lower_logmar"], given["upper_logmar"])
        expected = {
            "mae": error.abs().mean(),
            "bias": error.mean(),
            "coverage": inside.mean(),
            "mean_width": (given["upper_logmar"] - given["lower_logmar"]).mean(),
            "abstention_rate": (rows["flags"] == "abstain").mean(),
        }
        for figure, value in expected.items():
            assert site[name][figure]["value"] == pytest.approx(value, abs=1e-9), figure
            low, high = site[name][figure]["ci95"]
            assert low - 1e-12 <= value <= high + 1e-12
        assert site[name]["n_eyes"] == len(rows)
        assert site[name]["n_patients"] == rows["patient_id"].nunique()
    assert not site["north"]["few"]
    gap = site["north"]["mae_gap"]["value"]
    assert gap == pytest.approx(site["north"]["mae"]["value"] - site["south"]["mae"]["value"])
    assert site["south"]["mae_gap"]["value"] == pytest.approx(-gap)


def test_few_eyes_show_their_number_and_nothing_else(predictions, outcomes, groups):
    device = measured(predictions, outcomes, groups)["subgroups"]["device"]
    assert device["rare"] == {"n_eyes": 4, "suppressed": True}
    # All eyes minus the two others would be the four.
    assert device["old"] == {"n_eyes": 56, "suppressed": True}
    assert device["new"]["n_eyes"] == 60


def test_rare_words_of_a_free_text_column_are_not_printed(predictions, outcomes, groups):
    metrics = measured(predictions, outcomes, groups)
    assert metrics["subgroups"]["diagnosis"]["other"]["n_eyes"] == 4
    text = json.dumps(metrics["subgroups"])
    assert "one of a kind" not in text
    assert "odd" not in text


def test_no_figure_of_suppressed_eyes_can_be_computed_from_the_others():
    rng = np.random.default_rng(0)
    for _ in range(60):
        sizes = rng.integers(1, 40, int(rng.integers(2, 7)))
        counts = pd.Series(sizes, index=[f"g{i}" for i in range(len(sizes))])
        hidden = suppressed_groups(counts)
        assert set(counts.index[counts < 10]) <= set(hidden)
        total = int(counts[hidden].sum())
        assert total == 0 or total >= 10 or len(hidden) == len(counts)


def test_a_grouping_of_one_group_is_none(predictions, outcomes, groups):
    subgroups = measured(predictions, outcomes, groups.assign(country="x"))["subgroups"]
    assert "country" not in subgroups
    assert "quality" not in subgroups
    assert set(subgroups) == {"preop_band", "site", "device", "diagnosis"}


def test_bands_stand_in_their_order(predictions, outcomes):
    bands = list(measured(predictions, outcomes, None)["subgroups"]["preop_band"])
    shown = [name for name in bands if name in ("0.3 to 0.5", "0.5 to 1.0")]
    assert shown == ["0.3 to 0.5", "0.5 to 1.0"]


def test_a_group_that_the_model_fails_is_found_and_said(predictions, outcomes, groups):
    quiet = measured(predictions, outcomes, groups)
    assert quiet["warnings"] == []
    rows = predictions.index < 50
    predictions.loc[rows, "predicted_logmar"] += 0.15
    metrics = measured(predictions, outcomes, groups)
    gap = metrics["subgroups"]["site"]["north"]["mae_gap"]
    assert gap["value"] > 0.05
    assert gap["p_adjusted"] < 0.001
    text = " ".join(metrics["warnings"])
    assert "site north: the mean absolute error is 0." in text
    assert "site south" not in text


def test_a_group_whose_intervals_fail_is_said(predictions, outcomes, groups):
    rows = predictions.index < 50
    middle = predictions.loc[rows, "predicted_logmar"]
    predictions.loc[rows, "lower_logmar"] = middle - 0.03
    predictions.loc[rows, "upper_logmar"] = middle + 0.03
    text = " ".join(measured(predictions, outcomes, groups)["warnings"])
    assert "site north: the prediction intervals hold" in text


def test_p_values_are_adjusted_after_benjamini_and_hochberg_one_test_for_two_groups(
    predictions, outcomes, eyes
):
    rng = np.random.default_rng(0)
    columns = {f"g{i}": rng.choice(["x", "y"], len(eyes)) for i in range(4)}
    columns["three"] = rng.choice(["a", "b", "c"], len(eyes))
    frame = pd.DataFrame(columns, index=eyes["eye_id"])
    subgroups = measured(predictions, outcomes, frame)["subgroups"]
    tests = [subgroups[f"g{i}"]["x"]["mae_gap"] for i in range(4)]
    tests += [subgroups["three"][name]["mae_gap"] for name in "abc"]
    expected = stats.false_discovery_control([gap["p"] for gap in tests])
    np.testing.assert_allclose([gap["p_adjusted"] for gap in tests], expected, atol=1e-12)
    for i in range(4):
        one, other = (subgroups[f"g{i}"][name]["mae_gap"] for name in "xy")
        assert (one["p"], one["p_adjusted"]) == (other["p"], other["p_adjusted"])


def test_the_p_value_is_that_of_students_test_on_patients(predictions, outcomes, eyes):
    """One eye a patient and many resamples: the bootstrap's error is Welch's."""
    one_eye = predictions.iloc[::2].copy()
    half = np.arange(60) < 30
    frame = pd.DataFrame({"half": np.where(half, "a", "b")}, index=one_eye["eye_id"])
    one_eye.loc[one_eye.index[half], "predicted_logmar"] += 0.02
    gap = measured(one_eye, outcomes, frame, bootstrap=2000)["subgroups"]["half"]["a"]["mae_gap"]
    error = (one_eye["predicted_logmar"] - one_eye["postop_logmar"]).abs().to_numpy()
    welch = stats.ttest_ind(error[half], error[~half], equal_var=False)
    assert gap["p"] == pytest.approx(welch.pvalue, rel=0.25)


def test_groups_of_eyes_that_are_not_evaluated_do_not_matter(predictions, outcomes, groups):
    more = pd.concat([groups, groups.set_axis([f"x{i}" for i in range(len(groups))])])
    shuffled = more.sample(frac=1, random_state=0)
    once = measured(predictions, outcomes, groups)["subgroups"]
    assert measured(predictions, outcomes, shuffled)["subgroups"] == once
