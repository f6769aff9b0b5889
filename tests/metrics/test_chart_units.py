import pytest

from ctt_net.metrics.chart_units import in_chart_units
from ctt_net.metrics.summary import evaluate


@pytest.mark.parametrize(("unit", "factor"), [("letters", 50), ("lines", 10)])
def test_distances_are_converted_and_shares_are_left_out(predictions, outcomes, unit, factor):
    metrics = evaluate(predictions, None, outcomes, bootstrap=20)
    converted = in_chart_units(metrics["regression"], unit)
    assert set(converted) == {"mae", "rmse", "median_ae", "bias", "loa"}
    assert set(converted["loa"]) == {"lower", "upper"}
    for name in ("mae", "bias"):
        figure = metrics["regression"][name]
        assert converted[name]["value"] == pytest.approx(factor * figure["value"], abs=1e-9)
        assert converted[name]["ci95"] == pytest.approx([factor * x for x in figure["ci95"]])


def test_groups_keep_their_names_and_the_undefined_stays_so():
    section = {
        "sex": {
            "F": {"n_eyes": 40, "mae": {"value": None, "ci95": [None, None]}},
            "M": {"n_eyes": 4, "suppressed": True},
        }
    }
    expected = {"sex": {"F": {"mae": {"value": None, "ci95": [None, None]}}}}
    assert in_chart_units(section, "letters") == expected
