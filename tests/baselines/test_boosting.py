import json

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.impute import SimpleImputer

from ctt_net.baselines.boosting import SETTINGS, BoostedTrees
from ctt_net.baselines.linear import Feature, design

FEATURES = (Feature("preop_logmar"), Feature("age"), Feature("sex", ("F", "M")))


@pytest.fixture
def table(make_eyes):
    eyes, _ = make_eyes(n_patients=150)
    eyes.loc[::7, "preop_logmar"] = np.nan
    eyes.loc[1::9, "age"] = ""
    eyes.loc[2::11, "sex"] = "X"
    return eyes


@pytest.fixture
def trees(table):
    return BoostedTrees.fit(table, FEATURES, table["postop_logmar"].to_numpy())


def test_stored_trees_predict_what_scikit_learn_predicts(table, trees, make_eyes):
    def filled(rows):
        numbers = design(rows, FEATURES)
        return np.hstack([filling.transform(numbers), np.isnan(numbers)])

    filling = SimpleImputer().fit(design(table, FEATURES))
    mean = table["postop_logmar"].mean()
    fitted = GradientBoostingRegressor(**SETTINGS)
    fitted.fit(filled(table), table["postop_logmar"] - mean)
    other, _ = make_eyes(n_patients=40, seed=3)
    other.loc[::3, "preop_logmar"] = np.nan
    other["preop_logmar"] *= 3
    inner = (trees.feature == 0) & np.isfinite(trees.threshold)
    near = table.iloc[np.zeros(2 * inner.sum(), dtype=int)].reset_index(drop=True)
    # On either side of every threshold, as near as the single precision of scikit-learn allows.
    near["preop_logmar"] = np.outer([1 - 1e-6, 1 + 1e-6], trees.threshold[inner]).ravel()
    for rows in (table, other, near):
        expected = mean + fitted.predict(filled(rows))
        np.testing.assert_allclose(trees.predict(rows), expected, rtol=0, atol=1e-9)


def test_trees_may_ask_whether_a_number_is_known(make_eyes):
    eyes, _ = make_eyes(n_patients=150)
    eyes.loc[::2, "age"] = ""
    target = np.where(eyes["age"] == "", 0.6, 0.1)
    trees = BoostedTrees.fit(eyes, FEATURES, target)
    assert np.isinf(trees.threshold).any()
    assert np.abs(trees.predict(eyes) - target).max() < 0.05


def test_trees_survive_json_in_a_small_text(table, trees):
    text = json.dumps(trees.to_dict(), allow_nan=False, indent=2)
    again = BoostedTrees.from_dict(json.loads(text))
    assert again == trees
    np.testing.assert_array_equal(again.predict(table), trees.predict(table))
    assert len(text) < 60_000
    assert text.count("\n") < 60


def test_few_eyes_get_no_tree_but_about_their_mean(make_eyes):
    eyes, _ = make_eyes(n_patients=15)
    trees = BoostedTrees.fit(eyes, FEATURES, eyes["postop_logmar"].to_numpy())
    predicted = trees.predict(eyes)
    assert np.ptp(predicted) == 0
    assert predicted[0] == pytest.approx(eyes["postop_logmar"].mean(), abs=0.02)


def test_one_eye_gets_its_own_outcome(make_eyes):
    eyes = make_eyes(n_patients=15)[0].iloc[:1]
    trees = BoostedTrees.fit(eyes, FEATURES, eyes["postop_logmar"].to_numpy())
    np.testing.assert_allclose(trees.predict(eyes), eyes["postop_logmar"])


def test_they_follow_what_no_line_can(make_eyes):
    """Acuity that depends on age by a step: half of the variance is not linear."""
    eyes, _ = make_eyes(n_patients=300)
    age = eyes["age"].astype(float)
    target = np.where((age > 60) & (age < 75), 0.5, 0.1)
    trees = BoostedTrees.fit(eyes, FEATURES, target)
    assert np.abs(trees.predict(eyes) - target).mean() < 0.05


@pytest.mark.parametrize(
    ("row", "value"),
    [("left", "0"), ("right", "999"), ("feature", "40"), ("size", "1"), ("threshold", "0.1")],
)
def test_damaged_trees_are_refused(trees, row, value):
    mapping = trees.to_dict()
    first_inner = next(i for i, f in enumerate(mapping["feature"].split()) if f != "-1")
    numbers = mapping[row].split()
    if row in ("threshold", "size"):
        numbers = numbers[:-1]
    else:
        numbers[first_inner] = value
    mapping[row] = " ".join(numbers)
    with pytest.raises(ValueError, match="trees"):
        BoostedTrees.from_dict(mapping)


def test_an_eye_of_which_nothing_is_known_gets_a_number(trees):
    assert np.isfinite(trees.predict(pd.DataFrame({"eye_id": ["x"]}))).all()
