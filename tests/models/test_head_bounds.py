"""Losses of outcomes that are known within bounds only, against scipy and definitions."""

import numpy as np
import pytest
import torch
from scipy import stats

from ctt_net.models.head import DecimalHead, OrdinalHead, ResidualHead
from ctt_net.models.head.interval_mass import laplace_log_cdf, log_mass
from ctt_net.types import Prediction

INF = float("inf")
DISTRIBUTIONS = {
    "laplace": (stats.laplace, laplace_log_cdf),
    "gaussian": (stats.norm, torch.special.log_ndtr),
}


def log_mass_of_scipy(distribution, low, high):
    """log(F(high) - F(low)) on the side where scipy keeps its digits."""
    flip = low + high > 0
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    upper, lower = distribution.logcdf(high), distribution.logcdf(low)
    return upper + np.log1p(-np.exp(lower - upper))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_mass_between_bounds_is_that_of_scipy_far_out_too(name):
    distribution, log_cdf = DISTRIBUTIONS[name]
    rng = np.random.default_rng(1)
    low = np.concatenate([rng.uniform(-40, 40, 200), np.full(50, -INF), rng.uniform(-40, 40, 50)])
    high = low + rng.uniform(0.01, 30, 300)
    high[200:250], high[250:] = rng.uniform(-40, 40, 50), INF
    found = log_mass(log_cdf, torch.tensor(low), torch.tensor(high)).numpy()
    np.testing.assert_allclose(found, log_mass_of_scipy(distribution, low, high), 1e-9, 1e-300)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_gradients_are_finite_and_right_for_any_bounds(distribution):
    far = torch.tensor([-20.0, 0.0, 20.0], dtype=torch.float64)
    lower = torch.cat([far, far, torch.full((3,), -INF), far, far]).double()
    upper = torch.cat([far + 0.02, far + 2, far, torch.full((3,), INF), far]).double()
    head = ResidualHead(distribution=distribution)

    def losses(location, scale):
        nothing = torch.zeros(15, 0)
        return head.losses(Prediction(location, scale, nothing, nothing), lower, upper)

    location = torch.linspace(-0.4, 0.5, 15, dtype=torch.float64).requires_grad_()
    scale = torch.linspace(0.5, 2, 15, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(losses, (location, scale))
    for wide in (0.02, 50.0):
        low, high = lower.float(), upper.float()
        at = torch.zeros(15, requires_grad=True)
        by = torch.full((15,), wide, requires_grad=True)
        nothing = torch.zeros(15, 0)
        loss = head.losses(Prediction(at, by, nothing, nothing), low, high)
        loss.sum().backward()
        assert loss.isfinite().all()
        assert at.grad.isfinite().all()
        assert by.grad.isfinite().all()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_loss_is_density_or_mass_eye_by_eye(distribution):
    scipy = DISTRIBUTIONS[distribution][0]
    location, scale = torch.tensor([0.2, 0.2, 0.2, 0.2]), torch.tensor([0.1, 0.1, 0.3, 0.3])
    lower, upper = torch.tensor([0.4, 0.3, -INF, 1.0]), torch.tensor([0.4, 0.5, 0.3, INF])
    nothing = torch.zeros(4, 0)
    prediction = Prediction(location, scale, nothing, nothing)
    losses = ResidualHead(distribution=distribution).losses(prediction, lower, upper)
    of = scipy(0.2, [0.1, 0.1, 0.3, 0.3])
    expected = [
        -of.logpdf(0.4)[0],
        -np.log(of.cdf(0.5) - of.cdf(0.3))[1],
        -of.logcdf(0.3)[2],
        -of.logsf(1.0)[3],
    ]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_the_ordinal_loss_is_of_the_cuts_that_the_bounds_decide():
    head = OrdinalHead(best_logmar=0.0, worst_logmar=0.3)  # cuts at -0.05, 0.05, ..., 0.35
    native = torch.tensor([[-2.0, -1.0, 0.0, 1.0, 2.0]]).expand(3, 5)
    prediction = Prediction(torch.zeros(3), torch.ones(3), torch.zeros(3, 2), native)
    lower, upper = torch.tensor([0.1, 0.1, -INF]), torch.tensor([0.1, 0.3, 0.2])
    p = 1 / (1 + np.exp(-native[0].double().numpy()))
    above, below = -np.log(1 - p), -np.log(p)
    expected = [
        above[:2].sum() + below[2:].sum(),
        above[:2].sum() + below[4],
        below[3:].sum(),
    ]
    np.testing.assert_allclose(head.losses(prediction, lower, upper), expected, rtol=1e-5)


def test_the_decimal_loss_is_the_squared_distance_to_the_interval():
    head = DecimalHead(bounded=False)
    native = torch.tensor([0.9, 0.4, 0.1, 0.3], requires_grad=True)
    prediction = Prediction(torch.zeros(4), torch.ones(4), torch.zeros(4, 2), native[:, None])
    decimal = torch.tensor([[0.2, 0.2, 0.2, 0.0], [0.5, 0.5, INF, 0.1]])
    losses = head.losses(prediction, -decimal[1].log10(), -decimal[0].log10())
    np.testing.assert_allclose(losses.detach(), [0.16, 0.0, 0.01, 0.04], atol=1e-6)
    losses.sum().backward()
    np.testing.assert_allclose(native.grad, [0.8, 0.0, -0.2, 0.4], atol=1e-6)
