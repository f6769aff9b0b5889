"""A cohort's covariates as numbers: order, levels, unknown, and none that tells the outcome."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.cohort import Covariate
from ctt_net.data.covariates import choose_covariates, covariate_levels, covariate_values
from ctt_net.data.dataset import EyeDataset, collate_eyes
from ctt_net.data.scans import Scans
from ctt_net.errors import InputError

DECLARED = {
    "age_years": Covariate(kind="numeric", unit="years"),
    "grade": Covariate(kind="categorical", levels=("mild", "dense")),
    "diabetes": Covariate(kind="binary"),
}


@pytest.fixture
def rows():
    return pd.DataFrame(
        {
            "age_years": [70.5, np.nan, 61.0],
            "grade": ["dense", "mild", np.nan],
            "diabetes": [0.0, 1.0, np.nan],
        }
    )


def test_numbers_stay_and_levels_become_their_place(rows):
    values = covariate_values(rows, DECLARED)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, [[70.5, 1, 0], [np.nan, 0, 1], [61, np.nan, np.nan]])
    assert covariate_levels(DECLARED) == [0, 2, 2]


def test_a_missing_column_and_an_unseen_level_are_unknown(rows):
    rows.loc[1, "grade"] = "brown"
    values = covariate_values(rows.drop(columns="age_years"), DECLARED)
    assert np.isnan(values[:, 0]).all()
    assert np.isnan(values[1:, 1]).all()


def test_the_chosen_order_is_the_order(rows):
    chosen = choose_covariates(DECLARED, ["diabetes", "age_years"], "cohort")
    assert list(chosen) == ["diabetes", "age_years"]
    np.testing.assert_array_equal(covariate_values(rows, chosen)[0], [0, 70.5])
    assert choose_covariates(DECLARED, "all", "cohort") == DECLARED
    assert covariate_values(rows, choose_covariates(DECLARED, [], "cohort")).shape == (3, 0)


@pytest.mark.parametrize("name", ["postop_va", "postop_logmar", "preop_logmar", "hair"])
def test_only_what_is_declared_can_be_chosen(name):
    with pytest.raises(InputError, match=f"{name}.*age_years, grade, diabetes"):
        choose_covariates(DECLARED, [name], "cohort")


def test_a_name_given_twice_is_refused():
    with pytest.raises(InputError, match="twice"):
        choose_covariates(DECLARED, ["grade", "grade"], "cohort")


@pytest.mark.parametrize("width", [0, 2])
def test_a_batch_carries_the_covariates_of_its_eyes(table, width):
    scans = Scans(np.zeros((3, 1, 8, 8), np.uint8), np.ones((3, 1), bool), np.full((3, 1), 0.5))
    values = np.arange(3 * width, dtype=np.float32).reshape(3, width)
    dataset = EyeDataset(table, [2, 0, 1], scans, covariates=values)
    batch = collate_eyes([dataset[2], dataset[0]])
    np.testing.assert_array_equal(batch.covariates.numpy(), values[[2, 0]])
