"""Coverage and width of intervals by band: counted by hand, and alarms where a band fails."""

import numpy as np
import pytest

from ctt_net.acuity import BANDS, preop_band
from ctt_net.report.selective_figures import coverage_by_band
from tests.simulated_tables import evaluate_with_warnings as evaluate


@pytest.fixture
def measured(make_eyes, make_predictions, outcomes):
    """Figures of 600 eyes; those of one band have intervals of a tenth of the width."""

    def measure(narrow=None):
        eyes, potential = make_eyes(300)
        table = make_predictions(eyes, potential)
        table["flags"] = np.where(np.arange(len(table)) % 7 == 0, "off_chart_preop", "")
        table.loc[::50, "preop_logmar"] = np.nan
        table.loc[3::90, ["lower_logmar", "upper_logmar"]] = np.nan
        band = preop_band(table["preop_logmar"], table["flags"] != "")
        middle = table["predicted_logmar"]
        for end in ("lower_logmar", "upper_logmar"):
            table[end] = middle + (table[end] - middle) * np.where(band == narrow, 0.1, 1.0)
        metrics = evaluate(table, None, outcomes, bootstrap=50, guarantee="None at all.")
        return metrics, table, band

    return measure


def test_every_band_that_is_there_is_counted(measured):
    metrics, table, band = measured()
    interval = metrics["interval"]
    assert list(interval["by_band"]) == [name for name in BANDS if name in band]
    given = table["lower_logmar"].notna().to_numpy()
    inside = table["postop_logmar"].between(table["lower_logmar"], table["upper_logmar"])
    for name, figures in interval["by_band"].items():
        here = given & (band == name)
        assert figures["n_eyes"] == here.sum()
        assert figures["n_patients"] == table.loc[here, "patient_id"].nunique()
        assert figures["coverage"]["value"] == pytest.approx(inside[here].mean(), abs=1e-12)
        width = (table["upper_logmar"] - table["lower_logmar"])[here].mean()
        assert figures["mean_width"]["value"] == pytest.approx(width, abs=1e-12)
    assert sum(one["n_eyes"] for one in interval["by_band"].values()) == given.sum()
    assert interval["coverage"]["value"] == pytest.approx(inside[given].mean(), abs=1e-12)
    assert interval["guarantee"] == "None at all."


def test_figures_of_few_eyes_are_not_told_nor_left_over(make_eyes, make_predictions, outcomes):
    eyes, potential = make_eyes(60)
    table = make_predictions(eyes, potential)
    preop = np.r_[np.full(60, 0.2), np.full(40, 0.4), np.full(15, 0.7), np.full(4, 1.2), np.nan]
    table["preop_logmar"] = preop
    table.loc[119, ["lower_logmar", "upper_logmar"]] = np.nan
    metrics = evaluate(table, None, outcomes, bootstrap=20)
    bands = metrics["interval"]["by_band"]
    assert list(bands) == ["below 0.3", "0.3 to 0.5", "0.5 to 1.0", "1.0 and more", "unknown"]
    assert bands["1.0 and more"] == {"n_eyes": 4, "suppressed": True}
    # The four are what all eyes have more than the bands shown, so another hides with them.
    assert bands["0.5 to 1.0"] == {"n_eyes": 15, "suppressed": True}
    assert bands["0.3 to 0.5"]["n_patients"] == 20
    assert bands["unknown"]["n_eyes"] == 0
    assert bands["unknown"]["coverage"]["value"] is None
    drawn = coverage_by_band(metrics, "ci95").numbers
    assert list(drawn["preop_band"]) == ["All eyes", "below 0.3", "0.3 to 0.5"]


def test_a_band_whose_intervals_fail_is_named_and_no_other(measured):
    _, _, band = measured()
    names, counts = np.unique(band, return_counts=True)
    largest = str(names[counts.argmax()])
    metrics, _, _ = measured(narrow=largest)
    (said,) = (text for text in metrics["warnings"] if "too narrow where" in text)
    assert largest in said
    assert not any(name in said for name in BANDS if name != largest)
    assert not any("too narrow where" in text for text in measured()[0]["warnings"])


def test_each_fold_is_judged_by_its_own_cut(make_eyes, make_predictions, outcomes):
    eyes, potential = make_eyes(100)
    table = make_predictions(eyes, potential).assign(fold=np.repeat([1, 2], 100))
    name = outcomes[0].name
    metrics = evaluate(
        table, None, outcomes, bootstrap=2, probability_cuts={name: {1: 0.3, 2: 0.8}}
    )
    label = outcomes[0].label(table["preop_logmar"], table["postop_logmar"]) == 1
    called = table[f"p_{name}"] >= np.where(table["fold"] == 1, 0.3, 0.8)
    found = metrics["recovery"][name]
    assert found["sensitivity"]["value"] == pytest.approx(called[label].mean(), abs=1e-12)
    assert found["specificity"]["value"] == pytest.approx((~called[~label]).mean(), abs=1e-12)
    cuts = metrics["settings"]["probability_cut"]
    assert cuts == {name: {"1": 0.3, "2": 0.8}, outcomes[1].name: 0.5}
