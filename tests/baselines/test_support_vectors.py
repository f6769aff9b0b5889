import json

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from ctt_net.baselines.linear import Feature, design, imputer
from ctt_net.baselines.support_vectors import (
    FREE_ERROR_LOGMAR,
    KERNEL_GAMMA,
    MOST_EYES,
    PENALTY,
    SupportVectorMachine,
)

FEATURES = (Feature("preop_logmar"), Feature("age"), Feature("sex", ("F", "M")))


@pytest.fixture
def table(make_eyes):
    eyes, _ = make_eyes(n_patients=150)
    eyes.loc[::7, "preop_logmar"] = np.nan
    eyes.loc[1::9, "age"] = ""
    return eyes


def fitted(table):
    return SupportVectorMachine.fit(table, FEATURES, table["postop_logmar"].to_numpy())


def test_it_predicts_nearly_what_the_exact_radial_kernel_predicts(table, make_eyes):
    exact = make_pipeline(
        imputer(),
        StandardScaler(),
        SVR(gamma=KERNEL_GAMMA, C=PENALTY, epsilon=FREE_ERROR_LOGMAR),
    ).fit(design(table, FEATURES), table["postop_logmar"])
    other, _ = make_eyes(n_patients=60, seed=3)
    other.loc[::5, "preop_logmar"] = np.nan
    expected = exact.predict(design(other, FEATURES))
    gap = np.abs(fitted(table).predict(other) - expected)
    assert gap.mean() < 0.02 < expected.std()


def test_it_survives_json_to_the_last_digit(table):
    machine = fitted(table)
    text = json.dumps(machine.to_dict(), allow_nan=False, indent=2)
    again = SupportVectorMachine.from_dict(json.loads(text))
    assert again == machine
    np.testing.assert_array_equal(again.predict(table), machine.predict(table))
    assert text.count("\n") < 60


@pytest.mark.parametrize("n_eyes", [1, 2])
def test_an_eye_or_two_are_enough_to_fit(table, n_eyes):
    assert np.isfinite(fitted(table.iloc[:n_eyes]).predict(table)).all()


def test_no_more_eyes_than_it_has_time_for(monkeypatch, table):
    sizes = []
    fit = SVR.fit
    monkeypatch.setattr(SVR, "fit", lambda self, x, y, *a: sizes.append(len(x)) or fit(self, x, y))
    many = pd.concat([table] * 20, ignore_index=True)
    fitted(many)
    assert sizes == [MOST_EYES]
