"""The contract of a head, over every member, and the line that the residual one starts from."""

import numpy as np
import pytest
import torch

from ctt_net.models.head import ResidualHead
from ctt_net.outcome import Outcome

DIM = 32
REACH, GAIN = Outcome("reaches_0.30", "reach", 0.30), Outcome("gains_0.20", "gain", 0.20)


@pytest.fixture
def head(head_kind, stir):
    torch.manual_seed(0)
    return stir(head_kind(dim=DIM)).eval()


def eyes(B=4, seed=0):
    token = torch.randn(B, DIM, generator=torch.Generator().manual_seed(seed))
    return token, torch.linspace(0.1, 1.2, B), torch.ones(B, dtype=torch.bool)


def test_a_head_gives_acuity_scale_and_a_logit_per_outcome(head_kind):
    outcomes = (REACH, GAIN, Outcome("reaches_0.50", "reach", 0.5))
    prediction = head_kind(dim=DIM, outcomes=outcomes)(*eyes())
    assert prediction.postop_logmar.shape == prediction.scale_logmar.shape == (4,)
    assert prediction.recovery_logit.shape == (4, 3)
    assert (prediction.scale_logmar > 0).all()


def test_an_unknown_acuity_has_no_influence_beyond_its_flag(head):
    token, preop, known = eyes()
    known[1] = False
    other = torch.where(known, preop, 9.0)
    first, second = head(token, preop, known), head(token, other, known)
    assert torch.equal(first.postop_logmar, second.postop_logmar)
    assert torch.equal(first.scale_logmar, second.scale_logmar)
    reach = [k for k, outcome in enumerate(head.outcomes) if outcome.kind == "reach"]
    assert torch.equal(first.recovery_logit[:, reach], second.recovery_logit[:, reach])
    assert second.recovery_logit.isfinite().all()


def test_eyes_do_not_see_each_other(head):
    token, preop, known = eyes()
    order = torch.tensor([2, 0, 3, 1])
    whole, permuted = head(token, preop, known), head(token[order], preop[order], known[order])
    for ours, theirs in zip(whole, permuted, strict=True):
        torch.testing.assert_close(ours[order], theirs)


def test_gradients_reach_every_parameter(head):
    token, preop, known = eyes()
    known[1] = False
    prediction = head.train()(token, preop, known)
    sum((part * torch.randn_like(part)).sum() for part in prediction).backward()
    still = [n for n, p in head.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_half_precision_keeps_the_acuity_to_a_letter(head):
    token, preop, known = eyes()
    full = head(token, preop, known)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = head(token, preop, known)
    for part in half:
        assert part.dtype == torch.float32
        assert part.isfinite().all()
    torch.testing.assert_close(half.postop_logmar, full.postop_logmar, rtol=0, atol=0.02)


@pytest.fixture
def training_eyes():
    rng = np.random.default_rng(4)
    preop = rng.uniform(0, 1.5, 60).astype(np.float32)
    postop = (0.35 * preop + 0.02 + rng.laplace(0, 0.08, 60)).astype(np.float32)
    preop[::7] = np.nan
    return preop, postop


@pytest.fixture
def started(head_kind, training_eyes):
    torch.manual_seed(0)
    head = head_kind(dim=DIM).eval()
    head.start_from(*map(torch.from_numpy, training_eyes))
    return without_correction(head)


def without_correction(head):
    """What the head says before it has learned anything from the fused token."""
    with torch.no_grad():
        for layer in (head.delta, head.spread, head.shift):
            layer.weight.zero_()
    return head


def test_the_first_correction_is_small_and_passes_a_gradient_to_the_scans(head_kind, training_eyes):
    torch.manual_seed(0)
    head = head_kind(dim=DIM).eval()
    head.start_from(*map(torch.from_numpy, training_eyes))
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
    np.testing.assert_allclose(
        prediction.postop_logmar.detach(), slope * x + intercept, rtol=0, atol=1e-5
    )


def test_a_head_starts_at_the_mean_outcome_where_the_acuity_is_unknown(started, training_eyes):
    prediction = started(torch.randn(3, DIM), torch.zeros(3), torch.zeros(3, dtype=torch.bool))
    np.testing.assert_allclose(
        prediction.postop_logmar.detach(), training_eyes[1].mean(), rtol=0, atol=1e-6
    )


def test_a_head_starts_with_the_scale_of_its_residuals(started, training_eyes):
    """The likeliest scale of a Laplace distribution is its mean absolute deviation."""
    preop, postop = training_eyes
    known = np.isfinite(preop)
    fitted = np.full(len(postop), postop.mean())
    fitted[known] = np.polyval(np.polyfit(preop[known], postop[known], 1), preop[known])
    prediction = started(torch.randn(1, DIM), torch.zeros(1), torch.ones(1, dtype=torch.bool))
    assert prediction.scale_logmar.item() == pytest.approx(np.abs(postop - fitted).mean(), rel=1e-4)


def test_recovery_crosses_even_odds_where_the_prediction_crosses_the_cut(started):
    x = torch.linspace(-0.2, 2.5, 400)
    prediction = started(torch.randn(400, DIM), x, torch.ones(400, dtype=torch.bool))
    predicted = prediction.postop_logmar
    assert predicted.min() < 0.3
    assert predicted.max() > 0.3
    for k, recovered in enumerate((predicted < 0.30, x - predicted > 0.20)):
        assert torch.equal(prediction.recovery_logit[:, k] > 0, recovered)
        assert recovered.any()
        assert not recovered.all()


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
    head.start_from(torch.tensor(preop), torch.tensor(postop))
    prediction = head(torch.randn(2, DIM), torch.tensor([0.1, 1.4]), torch.tensor([True, True]))
    np.testing.assert_allclose(prediction.postop_logmar.detach(), expected, atol=1e-6)
    assert prediction.scale_logmar.isfinite().all()


def test_a_perfect_fit_still_leaves_a_scale(head_kind):
    head = without_correction(head_kind(dim=DIM))
    line = torch.linspace(0, 1, 20)
    head.start_from(line, 0.5 * line)
    prediction = head(torch.randn(1, DIM), torch.ones(1), torch.ones(1, dtype=torch.bool))
    assert 0.02 < prediction.scale_logmar.item() < 0.1
