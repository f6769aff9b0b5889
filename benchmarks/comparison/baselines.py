"""Predictors without images, from scikit-learn, each one pipeline from raw columns to logMAR.

Unknown values are filled, numbers scaled and words coded inside the pipeline, and hyperparameters
chosen by cross-validation over patients, so that nothing of a tested eye takes part in any of it.
"""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVR

from ctt_net.cohort import CohortSpec
from ctt_net.errors import InputError

PREOP = "preop_logmar"

# What each baseline sees, what it is, and the values its inner cross-validation chooses among.
BASELINES: dict[str, tuple[str, BaseEstimator, dict[str, list]]] = {
    "mean": ("nothing", DummyRegressor(), {}),
    "preop_ridge": ("preop", Ridge(), {"alpha": np.logspace(-2, 3, 6).tolist()}),
    "covariates_ridge": ("covariates", Ridge(), {"alpha": np.logspace(-2, 3, 6).tolist()}),
    "covariates_svr": (
        "covariates",
        SVR(kernel="rbf"),
        {"C": [0.03, 0.1, 0.3, 1.0, 3.0], "epsilon": [0.02, 0.1], "gamma": ["scale", 0.03]},
    ),
    "covariates_gbm": (
        "covariates",
        HistGradientBoostingRegressor(
            loss="absolute_error", learning_rate=0.05, min_samples_leaf=10, random_state=0
        ),
        {"max_iter": [50, 200], "max_leaf_nodes": [4, 12]},
    ),
}
INNER_FOLDS = 5


def columns_of(name: str, spec: CohortSpec) -> list[str]:
    """Columns that a baseline reads.

    Raises:
        InputError: If it needs covariates and the cohort declares none.
    """
    sees = BASELINES[name][0]
    if sees == "covariates" and not spec.covariates:
        raise InputError(
            f"baseline {name}: cohort.yaml of {spec.name!r} declares no covariates; declare some, "
            f"or take preop_ridge"
        )
    more = [column for column in spec.covariates if column != PREOP]
    return {"nothing": [], "preop": [PREOP], "covariates": [PREOP, *more]}[sees]


def fit_baseline(name: str, table: pd.DataFrame, spec: CohortSpec) -> BaseEstimator:
    """Fit one baseline.

    Args:
        name: One of `BASELINES`.
        table: Training rows, of known postoperative acuity.
        spec: Says which columns are covariates, and which of them hold words.
    """
    _, estimator, grid = BASELINES[name]
    pipeline = Pipeline([("columns", _columns(name, spec)), ("model", estimator)])
    target = table["postop_logmar"].to_numpy(np.float64)
    patients = table["patient_id"].to_numpy(str)
    groups = len(np.unique(patients))
    if not grid or groups < 2:
        return pipeline.fit(table, target)
    search = GridSearchCV(
        pipeline,
        {f"model__{key}": values for key, values in grid.items()},
        scoring="neg_mean_absolute_error",
        cv=GroupKFold(n_splits=min(INNER_FOLDS, groups)),
    )
    return search.fit(table, target, groups=patients)


def _columns(name: str, spec: CohortSpec) -> BaseEstimator:
    """From the cohort's columns to numbers; trees take unknown numbers as they are."""
    chosen = columns_of(name, spec)
    words = {
        column: sorted(spec.covariates[column].levels)
        for column in chosen
        if column in spec.covariates and spec.covariates[column].kind == "categorical"
    }
    plain = [column for column in chosen if column not in words]
    trees = isinstance(BASELINES[name][1], HistGradientBoostingRegressor)
    number = (
        "passthrough"
        if trees
        else make_pipeline(
            SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler()
        )
    )
    word = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="unknown"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    return make_column_transformer((number, plain), (word, list(words)))
