"""Simulated eyes whose truth is a formula, for every test of this room."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.cohort import AcuityColumns, CohortSpec, Covariate, View
from ctt_net.metrics.summary import evaluate
from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.report.warnings import with_warnings


def simulate_eyes(n_patients=60, seed=0):
    """Two eyes a patient; the scan's worth is `potential`, which the model sees with noise."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_patients), 2)
    n = len(patient)
    shared = rng.normal(0, 0.15, n_patients)[patient]
    potential = 0.2 + shared + rng.normal(0, 0.15, n)
    table = pd.DataFrame(
        {
            "eye_id": [f"e{i:04d}" for i in range(n)],
            "patient_id": [f"p{i:03d}" for i in patient],
            "preop_logmar": potential + rng.lognormal(-1, 0.4, n),
            "postop_logmar": (potential + rng.normal(0, 0.05, n)).round(2),
            "age": [str(age) for age in rng.integers(50, 90, n)],
            "sex": rng.choice(["F", "M"], n),
            "diabetes": rng.choice(["0", "1"], n),
        }
    )
    return table, pd.Series(potential, index=table["eye_id"])


def simulate_predictions(table, potential, noise=0.06, seed=1):
    """A model that reads the potential with noise."""
    rng = np.random.default_rng(seed)
    predicted = potential.to_numpy() + rng.normal(0, noise, len(table))
    out = table[["eye_id", "patient_id", "preop_logmar", "postop_logmar"]].copy()
    out["predicted_logmar"] = predicted
    out["lower_logmar"] = predicted - 0.13
    out["upper_logmar"] = predicted + 0.13
    out["p_recovery"] = 1 / (1 + np.exp((predicted - 0.3) / 0.05))
    out["flags"] = ""
    out["p_reaches_0.30"] = out["p_recovery"]
    gain = table["preop_logmar"] - predicted
    out["p_gains_0.20"] = 1 / (1 + np.exp(-(gain - 0.2) / 0.05))
    return out


@pytest.fixture
def spec():
    return CohortSpec(
        name="tiny",
        source="simulated",
        licence="CC0-1.0",
        citation="none",
        acuity=AcuityColumns(preop_va="logmar", postop_va="logmar"),
        views={"horizontal": View()},
        synthetic=True,
        covariates={
            "age": Covariate(kind="numeric", unit="years"),
            "sex": Covariate(kind="categorical", levels=("F", "M")),
            "diabetes": Covariate(kind="binary"),
        },
    )


@pytest.fixture
def make_eyes():
    return simulate_eyes


@pytest.fixture
def make_predictions():
    return simulate_predictions


@pytest.fixture
def eyes():
    return simulate_eyes()[0]


@pytest.fixture
def potential():
    return simulate_eyes()[1]


@pytest.fixture
def predictions(eyes, potential):
    return simulate_predictions(eyes, potential)


@pytest.fixture
def outcomes():
    return DEFAULT_OUTCOMES


def evaluate_with_warnings(*arguments, guarantee="", **settings):
    """`metrics.json` as it is written: figures, and the words for the reader."""
    return with_warnings(evaluate(*arguments, **settings), guarantee, outcomes=arguments[2])
