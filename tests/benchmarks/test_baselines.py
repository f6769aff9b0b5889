"""Baselines of the comparison against plain scikit-learn on numbers coded by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.svm import SVR

from benchmarks.comparison import baselines
from benchmarks.comparison.baselines import BASELINES, fit_baseline
from ctt_net.cohort import CohortSpec, Covariate, View
from ctt_net.errors import InputError

SPEC = CohortSpec(
    name="drawn",
    source="random numbers",
    licence="none",
    citation="none",
    notation={"preop_va": "logmar", "postop_va": "logmar"},
    views={"horizontal": View()},
    covariates={
        "age": Covariate("numeric", "years"),
        "grade": Covariate("categorical", levels=("soft", "hard")),
    },
)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 60
    age = rng.normal(70, 8, n)
    preop = rng.uniform(0.2, 1.2, n)
    hard = rng.random(n) < 0.4
    postop = 0.2 * preop + 0.004 * age + 0.15 * hard - 0.2 + rng.normal(0, 0.05, n)
    age[[3, 50]] = np.nan
    grade = np.where(hard, "hard", "soft").astype(object)
    grade[7] = np.nan
    return pd.DataFrame(
        {
            "eye_id": [f"e{i}" for i in range(n)],
            "patient_id": [f"p{i // 2}" for i in range(n)],
            "preop_logmar": preop,
            "postop_logmar": postop,
            "age": age,
            "grade": grade,
        }
    )


def coded(train, test, fill=True):
    """Preop, age, whether age is unknown, and three columns of grade; scaled on the train rows."""
    parts = []
    for rows in (train, test):
        age = rows["age"].fillna(train["age"].mean()) if fill else rows["age"]
        numbers = [rows["preop_logmar"], age]
        if fill:
            numbers.append(rows["age"].isna().astype(float))
        words = [(rows["grade"] == level).astype(float) for level in ("hard", "soft")]
        parts.append((np.column_stack(numbers), np.column_stack([*words, rows["grade"].isna()])))
    (numbers, words), (more_numbers, more_words) = parts
    if fill:
        mean, sd = numbers.mean(axis=0), numbers.std(axis=0)
        numbers, more_numbers = (numbers - mean) / sd, (more_numbers - mean) / sd
    return np.hstack([numbers, words]), np.hstack([more_numbers, more_words])


@pytest.mark.parametrize(
    ("name", "plain", "grid"),
    [
        ("covariates_ridge", Ridge(), {"alpha": [0.1, 10.0]}),
        ("covariates_svr", SVR(), {"C": [0.1, 1.0], "epsilon": [0.05]}),
        (
            "covariates_gbm",
            HistGradientBoostingRegressor(
                loss="absolute_error", learning_rate=0.05, min_samples_leaf=10, random_state=0
            ),
            {"max_iter": [20]},
        ),
    ],
)
def test_it_is_what_plain_scikit_learn_gives(table, monkeypatch, name, plain, grid):
    sees, estimator, _ = BASELINES[name]
    monkeypatch.setitem(baselines.BASELINES, name, (sees, estimator, grid))
    train, test = table.iloc[:48], table.iloc[48:]
    found = fit_baseline(name, train, SPEC)
    # Within the folds scaled by all training rows: near enough to choose the same value.
    ours, theirs = coded(train, test, fill=name != "covariates_gbm")
    search = GridSearchCV(plain, grid, scoring="neg_mean_absolute_error", cv=GroupKFold(5))
    search.fit(ours, train["postop_logmar"], groups=train["patient_id"])
    assert found.best_params_ == {f"model__{key}": v for key, v in search.best_params_.items()}
    np.testing.assert_allclose(found.predict(test), search.predict(theirs), rtol=1e-6)


def test_the_mean_and_the_line_on_the_acuity_alone(table):
    train, test = table.iloc[:48], table.iloc[48:]
    mean = fit_baseline("mean", train, SPEC).predict(test)
    assert mean == pytest.approx(np.full(12, train["postop_logmar"].mean()))
    line = fit_baseline("preop_ridge", train, SPEC)
    moved = test.assign(age=0.0, grade="soft", postop_logmar=9.0)
    np.testing.assert_array_equal(line.predict(test), line.predict(moved))
    slope = np.polyfit(test["preop_logmar"], line.predict(test), 1)
    assert np.polyval(slope, test["preop_logmar"]) == pytest.approx(line.predict(test))


@pytest.mark.parametrize("name", ["covariates_ridge", "covariates_gbm"])
def test_unknown_values_and_levels_never_seen_are_predicted_too(table, monkeypatch, name):
    sees, estimator, _ = BASELINES[name]
    monkeypatch.setitem(baselines.BASELINES, name, (sees, estimator, {}))
    fitted = fit_baseline(name, table.iloc[:40], SPEC)
    nothing = table.iloc[40:44].assign(preop_logmar=np.nan, age=np.nan, grade="brown")
    assert np.isfinite(fitted.predict(nothing)).all()


def test_hyperparameters_are_chosen_across_patients(table):
    search = fit_baseline("preop_ridge", table, SPEC)
    for train, test in search.cv.split(table, groups=table["patient_id"]):
        assert not set(table["patient_id"].iloc[train]) & set(table["patient_id"].iloc[test])


def test_a_cohort_without_covariates_is_told_so(table):
    from dataclasses import replace

    with pytest.raises(InputError, match=r"'drawn' declares no covariates; .* take preop_ridge"):
        fit_baseline("covariates_svr", table, replace(SPEC, covariates={}))
