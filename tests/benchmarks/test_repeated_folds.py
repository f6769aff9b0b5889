"""The corrected resampled t interval: its formula written out, and that it holds its level."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.comparison.repeated_folds import corrected_interval, fold_differences


def test_the_formula_written_out():
    d = [0.011, -0.004, 0.020, 0.003, 0.009, -0.013]
    mean = sum(d) / 6
    variance = sum((x - mean) ** 2 for x in d) / 5
    for level, ratio in ((0.95, 0.25), (0.8, 1.0), (0.5, 0.1)):
        half = stats.t(5).ppf(0.5 + level / 2) * ((1 / 6 + ratio) * variance) ** 0.5
        low, high = corrected_interval(d, ratio, level)
        assert (low, high) == pytest.approx((mean - half, mean + half), rel=1e-12)


def test_without_overlap_it_becomes_the_ordinary_t_interval():
    d = np.random.default_rng(3).normal(size=12)
    ordinary = stats.ttest_1samp(d, 0).confidence_interval(0.9)
    assert corrected_interval(d, 1e-12, 0.9) == pytest.approx(list(ordinary), rel=1e-6)


def test_fewer_than_two_differences_give_none_and_no_share_is_refused():
    assert corrected_interval([0.1], 0.25) == [None, None]
    assert corrected_interval([], 0.25) == [None, None]
    assert corrected_interval([0.1, np.nan], 0.25) == [None, None]
    with pytest.raises(ValueError, match="above 0"):
        corrected_interval([0.1, 0.2], 0.0)


def repeated_cross_validation(x, splits):
    """MAE of the training mean minus MAE of a fixed guess, fold by fold."""
    return [
        np.abs(x[test] - np.delete(x, test).mean()).mean() - np.abs(x[test] - 0.3).mean()
        for test in splits
    ]


def test_it_holds_its_level_on_repeated_folds_where_the_ordinary_one_does_not():
    """600 samples of 40 eyes, ten times five folds; the truth is the error on endless eyes."""
    rng = np.random.default_rng(0)
    n, folds, repeats, samples = 40, 5, 10, 600
    # E|x - c| of a standard normal x; the mean of 32 others is itself normal around 0.
    truth = stats.norm(scale=np.sqrt(1 + 1 / 32)).expect(abs) - (
        2 * stats.norm.pdf(0.3) + 0.3 * (2 * stats.norm.cdf(0.3) - 1)
    )
    held = {"corrected": 0, "ordinary": 0}
    for _ in range(samples):
        x = rng.normal(size=n)
        splits = [
            test for _ in range(repeats) for test in np.array_split(rng.permutation(n), folds)
        ]
        d = repeated_cross_validation(x, splits)
        low, high = corrected_interval(d, 1 / (folds - 1))
        held["corrected"] += low <= truth <= high
        low, high = stats.ttest_1samp(d, 0).confidence_interval(0.95)
        held["ordinary"] += low <= truth <= high
    # Three standard errors of 600 samples below 0.95.
    assert held["corrected"] / samples > 0.95 - 3 * np.sqrt(0.95 * 0.05 / samples)
    assert held["ordinary"] / samples < 0.8


def table(errors, folds):
    n = len(errors)
    return pd.DataFrame(
        {
            "eye_id": [f"e{i}" for i in range(n)],
            "patient_id": [f"p{i}" for i in range(n)],
            "preop_logmar": 0.5,
            "postop_logmar": 0.2,
            "predicted_logmar": 0.2 + np.asarray(errors),
            "lower_logmar": np.nan,
            "upper_logmar": np.nan,
            "p_recovery": np.nan,
            "flags": "",
            "fold": folds,
        }
    )


def test_differences_are_taken_fold_by_fold_and_for_the_same_eyes():
    one = {"seed 0": table([0.1, -0.3, 0.2, 0.0], [1, 1, 2, 2])}
    other = {"seed 0": table([0.2, 0.2, -0.1, 0.1], [1, 1, 2, 2]).iloc[[3, 0, 2, 1]]}
    differences, tested = fold_differences(one, other, same_folds=False)
    assert differences == pytest.approx([0.2 - 0.2, 0.1 - 0.1])
    other["seed 0"]["predicted_logmar"] += 0.3
    differences, tested = fold_differences(one, other, same_folds=False)
    assert differences == pytest.approx([0.2 - 0.5, 0.1 - 0.3])
    assert tested == 2


def test_other_seeds_of_the_same_folds_are_averaged_and_other_folds_are_not():
    one = {"0": table([0.1, 0.3], [1, 2]), "1": table([0.3, 0.5], [1, 2])}
    other = {"0": table([0.0, 0.0], [1, 2]), "1": table([0.0, 0.0], [1, 2])}
    assert fold_differences(one, other, True)[0] == pytest.approx([0.2, 0.4])
    assert fold_differences(one, other, False)[0] == pytest.approx([0.1, 0.3, 0.3, 0.5])
