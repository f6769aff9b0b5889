"""Sample sizes of regressions: published examples, and eyes drawn at the size that is told."""

import numpy as np
import pytest

from ctt_net.errors import InputError
from ctt_net.planning.sample_size import development_sizes, validation_sizes


def test_the_published_example_of_25_parameters():
    # Riley 2019, section 5: lung function, R2 0.2, mean 1.9 and SD 0.6 litres, mean known to 10%.
    sizes = development_sizes(25, 0.2, 0.6, mean_margin=0.19)
    assert sizes["shrinkage"] == sizes["needed"] == 918
    assert sizes["r2_optimism"] == 401
    assert sizes["residual_sd"] == 234 + 25


@pytest.mark.parametrize("parameters", [1, 6, 40])
def test_the_residual_sd_takes_234_subjects_beyond_the_parameters(parameters):
    assert development_sizes(parameters, 0.3, 0.2)["residual_sd"] == 234 + parameters


def test_at_the_size_for_shrinkage_a_regression_is_a_tenth_too_steep():
    rng = np.random.default_rng(0)
    parameters, r2 = 20, 0.2
    n = development_sizes(parameters, r2, 1.0)["shrinkage"]
    weights = np.full(parameters, np.sqrt(r2 / (1 - r2) / parameters))
    slopes = []
    for _ in range(120):
        x = rng.normal(size=(n, parameters))
        fitted, *_ = np.linalg.lstsq(x, x @ weights + rng.normal(size=n), rcond=None)
        # Calibration slope of the fitted weights on endless new subjects.
        slopes.append(fitted @ weights / (fitted @ fitted))
    assert np.mean(slopes) == pytest.approx(0.9, abs=0.015)


def test_validation_at_the_sizes_told_is_as_precise_as_wanted():
    rng = np.random.default_rng(1)
    r2, sd = 0.6, 0.25
    sizes = validation_sizes(r2, sd, bias_half_width=0.02)
    for figure, wanted in (("r2", 0.05), ("bias", 0.02), ("calibration_slope", 0.1)):
        n = sizes[figure]
        predicted = rng.normal(scale=sd * np.sqrt(r2), size=(1500, n))
        truth = predicted + rng.normal(scale=sd * np.sqrt(1 - r2), size=(1500, n))
        p, t = predicted - predicted.mean(1, keepdims=True), truth - truth.mean(1, keepdims=True)
        found = {
            "r2": (p * t).sum(1) ** 2 / ((p**2).sum(1) * (t**2).sum(1)),
            "bias": (predicted - truth).mean(1),
            "calibration_slope": (p * t).sum(1) / (p**2).sum(1),
        }[figure]
        assert 1.96 * found.std() == pytest.approx(wanted, rel=0.07)
    assert sizes["residual_sd"] == 235  # Archer 2021
    assert sizes["needed"] == max(sizes.values())


@pytest.mark.parametrize("r2", [0.0, 1.0, -0.2, float("nan")])
def test_an_r2_that_none_can_have_is_refused(r2):
    with pytest.raises(InputError, match="R2"):
        development_sizes(5, r2, 0.2)
    with pytest.raises(InputError, match="R2"):
        validation_sizes(r2, 0.2)
