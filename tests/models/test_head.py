"""What is special about each head: where it starts, and what its loss is the likelihood of."""

import numpy as np
import pytest
import torch
from scipy.stats import laplace, logistic, norm

from ctt_net.models.head import DecimalHead, OrdinalHead, ResidualHead
from ctt_net.outcome import Outcome
from ctt_net.types import Prediction

DIM = 32
RESIDUAL = {"laplace": laplace, "gaussian": norm}


@pytest.fixture
def training_eyes():
    rng = np.random.default_rng(4)
    preop = rng.uniform(0, 1.5, 60).astype(np.float32)
    postop = (0.35 * preop + 0.02 + rng.laplace(0, 0.08, 60)).astype(np.float32)
    preop[::7] = np.nan
    return preop, postop


@pytest.fixture(params=["laplace", "gaussian", "ordinal"])
def head(request):
    """The heads that start at the preop-only line."""
    torch.manual_seed(0)
    if request.param == "ordinal":
        return OrdinalHead(dim=DIM).eval()
    return ResidualHead(dim=DIM, distribution=request.param).eval()


@pytest.fixture
def started(head, training_eyes):
    head.initialise(*map(torch.from_numpy, training_eyes))
    return without_correction(head)


def without_correction(head):
    """What the head says before it has learned anything from the fused token."""
    with torch.no_grad():
        for name in ("delta", "spread", "shift", "step"):
            if hasattr(head, name):
                getattr(head, name).weight.zero_()
    return head


def left_over(preop, postop):
    """Residuals of the least-squares line, of the mean where the preop is unknown."""
    known = np.isfinite(preop)
    fitted = np.full(len(postop), postop.mean())
    fitted[known] = np.polyval(np.polyfit(preop[known], postop[known], 1), preop[known])
    return postop - fitted


def test_the_first_correction_is_small_and_passes_a_gradient_to_the_scans(head, training_eyes):
    head.initialise(*map(torch.from_numpy, training_eyes))
    token = torch.randn(50, DIM, requires_grad=True)
    preop = torch.linspace(0, 1.5, 50)
    known = torch.ones(50, dtype=torch.bool)
    first = head(token, preop, known).postop_logmar
    first.sum().backward()
    assert (token.grad.abs().sum(dim=1) > 0).all()
    line = without_correction(head)(token, preop, known).postop_logmar
    assert 0 < (first - line).abs().max() < 0.2


def test_a_head_starts_at_the_least_squares_line_whatever_the_scan_says(started, training_eyes):
    preop, postop = training_eyes
    known = np.isfinite(preop)
    slope, intercept = np.polyfit(preop[known].astype(float), postop[known].astype(float), 1)
    x = torch.linspace(-0.1, 2.0, 9)
    prediction = started(10 * torch.randn(9, DIM), x, torch.ones(9, dtype=torch.bool))
    # The ordinal head keeps its steps a thousandth above zero: 2e-3 over the whole chart.
    atol = 2e-3 if isinstance(started, OrdinalHead) else 1e-5
    np.testing.assert_allclose(
        prediction.postop_logmar.detach(), slope * x + intercept, rtol=0, atol=atol
    )


def test_a_head_starts_at_the_mean_outcome_where_the_acuity_is_unknown(started, training_eyes):
    prediction = started(torch.randn(3, DIM), torch.zeros(3), torch.zeros(3, dtype=torch.bool))
    atol = 2e-3 if isinstance(started, OrdinalHead) else 1e-6
    np.testing.assert_allclose(
        prediction.postop_logmar.detach(), training_eyes[1].mean(), rtol=0, atol=atol
    )


def test_a_head_starts_with_the_scale_of_its_residuals(started, training_eyes):
    """The likeliest scale of a Laplace distribution is its mean absolute deviation."""
    residuals = left_over(*training_eyes)
    prediction = started(torch.randn(1, DIM), torch.zeros(1), torch.ones(1, dtype=torch.bool))
    if isinstance(started, OrdinalHead):
        spread = logistic(scale=np.abs(residuals).mean() / (2 * np.log(2)))
        assert spread.expect(abs) == pytest.approx(np.abs(residuals).mean(), rel=1e-3)
        expected = (spread.ppf(0.75) - spread.ppf(0.25)) / 2 + 0.02
        assert prediction.scale_logmar.item() == pytest.approx(expected, rel=0.01)
    elif started.distribution == "gaussian":
        assert prediction.scale_logmar.item() == pytest.approx(
            np.sqrt((residuals**2).mean()), rel=1e-4
        )
    else:
        assert prediction.scale_logmar.item() == pytest.approx(np.abs(residuals).mean(), rel=1e-4)


def test_recovery_crosses_even_odds_where_the_prediction_crosses_the_cut(started):
    x = torch.linspace(-0.2, 2.5, 400)
    prediction = started(torch.randn(400, DIM), x, torch.ones(400, dtype=torch.bool))
    predicted = prediction.postop_logmar
    assert predicted.min() < 0.3
    assert predicted.max() > 0.3
    for k, margin in enumerate((0.30 - predicted, x - predicted - 0.20)):
        clear = margin.abs() > 1e-5
        assert torch.equal(prediction.recovery_logit[clear, k] > 0, margin[clear] > 0)
        assert (margin > 0).any()
        assert not (margin > 0).all()


@pytest.mark.parametrize(
    ("preop", "postop", "expected"),
    [
        ([np.nan, np.nan, np.nan], [0.1, 0.2, 0.6], 0.3),  # nothing known
        ([0.5, 0.5, 0.5, 0.5], [0.1, 0.2, 0.3, 0.6], 0.3),  # all the same
        ([0.5, np.nan], [0.2, 0.4], 0.2),  # one eye makes no line
    ],
)
def test_a_head_starts_flat_where_there_is_no_line(preop, postop, expected):
    head = without_correction(ResidualHead(dim=DIM).eval())
    head.initialise(torch.tensor(preop), torch.tensor(postop))
    prediction = head(torch.randn(2, DIM), torch.tensor([0.1, 1.4]), torch.tensor([True, True]))
    np.testing.assert_allclose(prediction.postop_logmar.detach(), expected, atol=1e-6)
    assert prediction.scale_logmar.isfinite().all()


@pytest.mark.parametrize("distribution", ["laplace", "gaussian"])
def test_the_residual_loss_is_the_negative_log_likelihood(distribution):
    location, scale, truth = torch.rand(3, 50) + 0.05
    nothing = torch.zeros(50, 0)
    loss = ResidualHead(distribution=distribution).loss(
        Prediction(location, scale, nothing, nothing), truth
    )
    density = RESIDUAL[distribution]
    expected = -density.logpdf(truth, location, scale).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_a_distribution_that_is_none_is_refused():
    with pytest.raises(ValueError, match="laplace or gaussian, got 'cauchy'"):
        ResidualHead(distribution="cauchy")


@pytest.mark.parametrize(("decimal", "gain"), [(0.01, 0.74), (0.5, 0.43), (1.0, 0.10)])
def test_the_bounded_output_predicts_a_gain_where_nothing_was_learned(decimal, gain):
    """The published fault: at d = 0 it is not the preoperative acuity."""
    for bounded in (True, False):
        head = DecimalHead(dim=DIM, bounded=bounded)
        torch.nn.init.zeros_(head.output.weight)
        torch.nn.init.zeros_(head.output.bias)
        preop = -torch.log10(torch.tensor([decimal]))
        prediction = head(torch.randn(1, DIM), preop, torch.tensor([True]))
        found = 10 ** -prediction.postop_logmar.item() - decimal
        assert found == pytest.approx(gain if bounded else 0.0, abs=5e-3 if bounded else 1e-6)


def test_the_decimal_loss_and_margin_are_of_the_output_as_it_is():
    """Clamped to an acuity, an output of -0.5 would be a better one and have no gradient."""
    head = DecimalHead(
        dim=DIM, outcomes=(Outcome("g", "decimal_gain", threshold_decimal=0.2),), bounded=False
    )
    native = torch.tensor([[-0.5], [0.9]], requires_grad=True)
    prediction = Prediction(torch.tensor([3.0, 0.0458]), torch.ones(2), torch.zeros(2, 1), native)
    loss = head.loss(prediction, -torch.log10(torch.tensor([0.5, 1.0])))
    assert loss.item() == pytest.approx((1.0**2 + 0.1**2) / 2, rel=1e-5)
    margins = head.margins(prediction, -torch.log10(torch.tensor([0.1, 0.4])))
    torch.testing.assert_close(margins, torch.tensor([[-0.8], [0.3]]))
    assert head.margins(prediction, torch.zeros(2)).requires_grad


def test_no_acuity_is_known_the_decimal_head_starts_at_the_mean():
    for bounded in (True, False):
        head = DecimalHead(dim=DIM, bounded=bounded)
        postop = -torch.log10(torch.tensor([0.4, 0.6, 0.8]))
        head.initialise(torch.tensor([0.5, 0.7, torch.nan]), postop)
        torch.nn.init.zeros_(head.output.weight)
        torch.nn.init.zeros_(head.output.bias)
        prediction = head(torch.randn(1, DIM), torch.zeros(1), torch.tensor([False]))
        assert 10 ** -prediction.postop_logmar.item() == pytest.approx(0.6, abs=1e-4)


def test_ordinal_probabilities_are_ordered_whatever_was_learned(stir):
    head = stir(OrdinalHead(dim=DIM)).eval()
    with torch.no_grad():
        head.step.weight.mul_(10)
        native = head(5 * torch.randn(40, DIM), torch.rand(40), torch.ones(40).bool()).native
    assert (native.diff(dim=1) > 0).all()
    assert native.shape[1] == len(head.cuts)
    np.testing.assert_allclose(head.cuts, np.arange(-0.35, 3.1, 0.1), atol=1e-6)


def test_an_ordinal_median_and_scale_are_those_of_its_distribution():
    """Against a fine numerical inverse of the piecewise linear logit."""
    torch.manual_seed(3)
    head = OrdinalHead(dim=DIM).eval()
    with torch.no_grad():
        head.step.weight.mul_(40)
        token, preop = torch.randn(6, DIM), torch.linspace(0.0, 1.5, 6)
        prediction = head(token, preop, torch.ones(6).bool())
    x = np.linspace(-0.35, 3.05, 340001)
    for b in range(6):
        g = np.interp(x, head.cuts, prediction.native[b])
        low, middle, high = (x[np.searchsorted(g, np.log(p / (1 - p)))] for p in (0.25, 0.5, 0.75))
        assert prediction.postop_logmar[b].item() == pytest.approx(middle, abs=1e-4)
        assert prediction.scale_logmar[b].item() == pytest.approx((high - low) / 2 + 0.02, abs=1e-4)
        at_cut = np.interp(0.30, x, g)
        assert prediction.recovery_logit[b, 0].item() == pytest.approx(at_cut, abs=1e-3)


def test_lines_that_are_none_are_refused():
    with pytest.raises(ValueError, match="must be a line apart"):
        OrdinalHead(best_logmar=1.0, worst_logmar=0.5)
