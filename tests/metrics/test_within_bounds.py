"""Figures of outcomes known within bounds only, against loops and a table without them."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.cohort.predictions import check_predictions
from ctt_net.errors import InputError
from ctt_net.metrics.summary import evaluate
from ctt_net.metrics.within_bounds import concordance, share_inside
from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.report.summary import within_bounds_sentence

INF = np.inf


@pytest.fixture
def bounded():
    """Forty eyes: a third exact, a third in bands, a third worse or better than a line."""
    rng = np.random.default_rng(3)
    truth = rng.normal(0.4, 0.3, 40).round(1)
    lower, upper = truth.copy(), truth.copy()
    lower[::3] -= 0.2
    upper[::3] += 0.1
    lower[1::6], upper[4::6] = -INF, INF
    return (truth + rng.normal(0, 0.2, 40)).round(1), lower, upper


def concordance_by_loop(pred, lower, upper):
    pairs = right = 0.0
    for i in range(len(pred)):
        for j in range(len(pred)):
            if lower[i] > upper[j]:
                pairs += 1
                right += 1.0 if pred[i] > pred[j] else 0.5 if pred[i] == pred[j] else 0.0
    return right / pairs


def test_concordance_is_that_of_every_pair_the_bounds_order(bounded):
    assert concordance(*bounded) == pytest.approx(concordance_by_loop(*bounded), rel=1e-6)
    pred, lower, upper = bounded
    assert concordance(-pred, lower, upper) == pytest.approx(1 - concordance(*bounded), rel=1e-6)


def test_a_weight_is_how_often_an_eye_was_drawn(bounded):
    counts = np.random.default_rng(0).integers(0, 3, (2, 40))
    found = concordance(*bounded, counts)
    inside = share_inside(*bounded, counts)
    for row, count in enumerate(counts):
        drawn = [np.repeat(part, count) for part in bounded]
        assert found[row] == pytest.approx(concordance_by_loop(*drawn), rel=1e-6)
        pred, lower, upper = drawn
        assert inside[row] == pytest.approx(np.mean((lower <= pred) & (pred <= upper)))


def test_without_a_pair_or_an_eye_there_is_no_figure():
    assert np.isnan(concordance([0.1, 0.2], [-INF, -INF], [0.3, 0.3]))
    assert np.isnan(share_inside([], [], []))


def test_exact_eyes_have_the_figures_they_have_alone(predictions):
    table = predictions.copy()
    some = np.arange(len(table)) % 4 == 0
    truth = table["postop_logmar"].to_numpy(float)
    table["postop_lower_logmar"] = np.where(some, truth - 0.15, truth)
    table["postop_upper_logmar"] = np.where(some, np.nan, truth)
    table["postop_logmar"] = np.where(some, np.nan, truth)
    options = {"baselines": None, "outcomes": DEFAULT_OUTCOMES, "bootstrap": 20}
    found = evaluate(table, **options)
    alone = evaluate(predictions[~some], **options)
    known = np.isfinite(truth)
    part = found["within_bounds"]
    assert part["n_eyes"] == (some & known).sum()
    assert found["n_missing_truth"] == (~known).sum()
    for key in ("regression", "recovery", "interval", "calibration", "n_eyes"):
        assert found[key] == alone[key]
    assert "within_bounds" not in alone
    pred = table["predicted_logmar"].to_numpy(float)
    above = (pred >= truth - 0.15)[some & known]
    assert part["inside"]["value"] == pytest.approx(above.mean())
    text = within_bounds_sentence({**found, "settings": {"level": 0.95}}, "ci95")
    assert f"{part['n_eyes']} eyes in no error above" in text
    assert f"bounds of {above.mean():.0%} (95% CI" in text
    assert within_bounds_sentence(alone, "ci95") == ""


def test_bounds_of_a_table_are_checked(predictions):
    low, high = predictions["postop_logmar"] + 0.1, predictions["postop_logmar"]
    table = predictions.assign(postop_lower_logmar=low, postop_upper_logmar=high)
    with pytest.raises(InputError, match=r"column 'postop_lower_logmar'.*exchange them"):
        check_predictions(table, "table.csv")
    with pytest.raises(InputError, match="column 'postop_upper_logmar' is not known"):
        check_predictions(predictions.assign(postop_upper_logmar=high), "table.csv")
    written = check_predictions(table.assign(postop_lower_logmar=np.nan), "table.csv")
    pd.testing.assert_series_equal(
        written["postop_upper_logmar"], high.reset_index(drop=True), check_names=False
    )
