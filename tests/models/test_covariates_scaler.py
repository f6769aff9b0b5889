"""The scaler of numbers against scikit-learn, and on columns that have nothing to scale."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn.preprocessing import QuantileTransformer

from ctt_net.models.covariates.tokens import QuantileScaler

KNOTS = 17


def fitted(column, knots=KNOTS):
    scaler = QuantileScaler(1, knots)
    scaler.initialise(torch.tensor(column)[:, None], [0])
    return lambda values: scaler(torch.tensor(values, dtype=torch.float32)[:, None])[:, 0].numpy()


def columns():
    rng = np.random.default_rng(0)
    return {
        "length": rng.normal(24, 1.4, 400),
        "skewed": rng.exponential(300, 401),
        "whole years": rng.integers(40, 95, 500).astype(float),
        "few": rng.normal(0, 1, 12),
    }


@pytest.mark.parametrize("name", list(columns()))
def test_inner_knots_are_those_of_scikit_learn(name):
    column = columns()[name].astype(np.float32)
    knots = min(KNOTS, len(column))  # scikit-learn keeps no more quantiles than there are values
    sklearn = QuantileTransformer(n_quantiles=knots, output_distribution="normal")
    sklearn.fit(column[:, None].astype(float))
    at = np.unique(sklearn.quantiles_[1:-1, 0])
    at = at[(at > column.min()) & (at < column.max())].astype(np.float32)
    expected = sklearn.transform(at[:, None].astype(float))[:, 0]
    np.testing.assert_allclose(fitted(column, knots)(at), expected, atol=2e-5)


def test_between_inner_knots_it_stays_close_to_scikit_learn():
    column = columns()["length"].astype(np.float32)
    sklearn = QuantileTransformer(n_quantiles=KNOTS, output_distribution="normal")
    sklearn.fit(column[:, None].astype(float))
    inside = np.linspace(*np.quantile(column, [1 / 16, 15 / 16]), 1000)
    expected = sklearn.transform(inside[:, None])[:, 0]
    np.testing.assert_allclose(fitted(column)(inside), expected, atol=0.04)


def test_an_end_counts_as_half_an_eye_and_what_lies_beyond_is_clamped():
    scale = fitted(np.arange(100.0))
    ends = norm.ppf([0.005, 0.995])
    np.testing.assert_allclose(scale([0, 99]), ends, atol=1e-5)
    np.testing.assert_allclose(scale([-1e30, 1e6]), ends, atol=1e-5)


def test_a_value_that_many_share_has_the_middle_of_their_ranks():
    column = np.r_[np.zeros(50), np.linspace(1, 2, 50)]
    low, high = fitted(column, knots=101)([0.0, 1.5])
    assert low == pytest.approx(norm.ppf(0.25), abs=0.02)
    assert high == pytest.approx(norm.ppf(0.75), abs=0.02)


def test_it_rises_everywhere():
    for column in columns().values():
        values = np.linspace(column.min() - 1, column.max() + 1, 2000)
        assert (np.diff(fitted(column)(values)) >= -1e-6).all()


@pytest.mark.parametrize("column", [[7.0] * 5, [np.nan] * 5, [np.nan, 3.0, np.nan], []])
def test_a_column_of_one_value_or_none_gives_zero(column):
    values = fitted(np.array(column))([-1.0, 3.0, 7.0, 1e9])
    np.testing.assert_array_equal(values, np.zeros(4))


def test_unknown_training_eyes_do_not_count():
    column = columns()["length"]
    holes = np.insert(column, range(0, 400, 3), np.nan)
    at = np.linspace(20, 28, 50)
    np.testing.assert_array_equal(fitted(column)(at), fitted(holes)(at))


def test_its_numbers_travel_with_the_weights():
    first, second = QuantileScaler(1, KNOTS), QuantileScaler(1, KNOTS)
    first.initialise(torch.tensor(columns()["length"])[:, None], [0])
    second.load_state_dict(first.state_dict())
    at = torch.linspace(20, 28, 9)[:, None]
    assert torch.equal(first(at), second(at))
