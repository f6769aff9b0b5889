"""The joint loss against scipy's Laplace density and scikit-learn's cross-entropy."""

import numpy as np
import pytest
import torch
from scipy.stats import laplace
from sklearn.metrics import log_loss

from ctt_net.errors import InputError
from ctt_net.losses import JointLoss
from ctt_net.models.head import DecimalHead, ResidualHead
from ctt_net.outcome import DEFAULT_OUTCOMES, Outcome
from ctt_net.types import EyeBatch, Prediction

NAN = float("nan")
HEAD = ResidualHead()


def batch_of(preop, postop):
    B = len(preop)
    return EyeBatch(
        views=torch.zeros(B, 1, 1, 2, 2, dtype=torch.uint8),
        view_present=torch.ones(B, 1, dtype=torch.bool),
        preop_logmar=torch.tensor(preop),
        postop_lower_logmar=torch.tensor(postop),
        postop_upper_logmar=torch.tensor(postop),
        position=torch.arange(B),
        covariates=torch.zeros(B, 0),
    )


@pytest.fixture
def prediction():
    torch.manual_seed(0)
    return Prediction(
        torch.randn(5, requires_grad=True),
        (torch.rand(5) + 0.05).requires_grad_(),
        torch.randn(5, 2, requires_grad=True),
        torch.zeros(5, 0),
    )


@pytest.fixture
def batch():
    return batch_of([0.5, 0.4, NAN, 1.2, 0.3], [0.30103, 0.2, 0.1, 0.9, 0.1])


def test_the_loss_is_laplace_likelihood_plus_weighted_cross_entropy(prediction, batch):
    parts = JointLoss(recovery_weight=0.7)(prediction, batch, HEAD)
    location, scale, logit = (part.detach().double().numpy() for part in prediction[:3])
    truth, preop = batch.postop_logmar.double().numpy(), batch.preop_logmar.double().numpy()
    regression = -laplace.logpdf(truth, location, scale).mean()
    labels = np.stack([outcome.label(preop, truth) for outcome in DEFAULT_OUTCOMES], axis=1)
    decided = np.isfinite(labels)
    assert decided.tolist() == [
        [True, True],
        [True, True],
        [True, False],
        [True, True],
        [True, True],
    ]
    recovery = log_loss(labels[decided], 1 / (1 + np.exp(-logit[decided])))
    assert parts.regression.item() == pytest.approx(regression, rel=1e-5)
    assert parts.recovery.item() == pytest.approx(recovery, rel=1e-5)
    assert parts.total.item() == pytest.approx(regression + 0.7 * recovery, rel=1e-5)


def test_eyes_at_the_cut_count_as_recovered(batch):
    """20/40 is 0.30103 logMAR, and 0.3 to 0.1 is a gain of 0.2 although float32 says less."""
    sure = Prediction(torch.zeros(1), torch.ones(1), torch.full((1, 2), 20.0), torch.zeros(1, 0))
    for preop, postop in ((0.5, 0.30103), (0.3, 0.1)):
        loss = JointLoss()(sure, batch_of([preop], [postop]), HEAD)
        assert loss.recovery.item() < 1e-6


def test_an_unknown_acuity_gives_finite_gradients_and_none_to_what_it_leaves_open(
    prediction, batch
):
    JointLoss()(prediction, batch, HEAD).total.backward()
    for part in prediction[:3]:
        assert part.grad.isfinite().all()
    assert prediction.recovery_logit.grad[2, 1] == 0
    assert (prediction.recovery_logit.grad != 0).sum() == 9


def test_a_batch_that_leaves_every_outcome_open_costs_nothing(prediction):
    batch = batch_of([NAN] * 5, [0.1] * 5)
    one_outcome = prediction._replace(recovery_logit=prediction.recovery_logit[:, 1:])
    parts = JointLoss()(one_outcome, batch, ResidualHead(outcomes=DEFAULT_OUTCOMES[1:]))
    assert parts.recovery.item() == 0
    assert torch.equal(parts.total, parts.regression)


def test_none_switches_the_second_term_off_and_still_measures_it(prediction, batch):
    parts = JointLoss(auxiliary="none")(prediction, batch, HEAD)
    parts.total.backward()
    assert not prediction.recovery_logit.grad.any()
    assert torch.equal(parts.total, parts.regression)
    assert parts.recovery.item() == JointLoss()(prediction, batch, HEAD).recovery.item() > 0


def published_hinge(postop_decimal, preop_decimal, truth_decimal):
    """REFERENCE: mean of (1 - y) relu(m) + y relu(-m), written out eye by eye."""
    total = 0.0
    for post, pre, true in zip(postop_decimal, preop_decimal, truth_decimal, strict=True):
        m = post - pre - 0.2
        recovered = round(100 * true) - round(100 * pre) >= 20
        total += max(-m, 0.0) if recovered else max(m, 0.0)
    return total / len(postop_decimal)


def test_the_published_loss_is_squared_error_plus_twice_the_hinge():
    preop = np.array([0.1, 0.3, 0.5, 0.8, 0.01])
    truth = np.array([0.3, 0.4, 0.7, 1.0, 0.2])
    native = torch.tensor([0.2, 0.6, 0.9, 0.95, -0.1], requires_grad=True)
    decimal_gain = Outcome("gains_0.20_decimal", "decimal_gain", threshold_decimal=0.2)
    head = DecimalHead(outcomes=(*DEFAULT_OUTCOMES, decimal_gain), bounded=False)
    prediction = Prediction(
        torch.full((5,), 0.3), torch.ones(5), torch.zeros(5, 3), native[:, None]
    )
    batch = batch_of(*(torch.tensor(-np.log10(v)).float().tolist() for v in (preop, truth)))
    loss = JointLoss(2.0, auxiliary="hinge", outcomes=["gains_0.20_decimal"])
    parts = loss(prediction, batch, head)
    post = native.detach().double().numpy()
    hinge = published_hinge(post, preop, truth)
    assert parts.regression.item() == pytest.approx(((post - truth) ** 2).mean(), rel=1e-5)
    assert parts.recovery.item() == pytest.approx(hinge, rel=1e-5)
    assert parts.total.item() == pytest.approx(((post - truth) ** 2).mean() + 2 * hinge, rel=1e-5)
    parts.recovery.backward()
    # Recovered and said less: pulled up. Not recovered and said more: pulled down. Right: nothing.
    assert native.grad.sign().tolist() == [-1, 1, 0, -1, 0]


def test_the_hinge_of_a_head_in_logmar_leaves_open_eyes_out():
    location = torch.tensor([0.2, 0.5], requires_grad=True)
    prediction = Prediction(location, torch.ones(2), torch.zeros(2, 2), location[:, None])
    batch = batch_of([NAN, 0.6], [0.1, 0.1])
    parts = JointLoss(1.0, auxiliary="hinge")(prediction, batch, HEAD)
    # First eye: reaches 0.30, and is said to. Second: reaches and gains, 0.2 and 0.1 short of it.
    assert parts.recovery.item() == pytest.approx((0.0 + 0.2 + 0.1) / 3, rel=1e-5)
    parts.recovery.backward()
    assert location.grad.isfinite().all()
    assert location.grad[0] == 0


def test_outcomes_that_are_none_are_refused_by_name(prediction, batch):
    with pytest.raises(
        InputError, match=r"loss\.outcomes: sees_well; name one or more of.*reaches"
    ):
        JointLoss(outcomes=["sees_well"])(prediction, batch, HEAD)
    with pytest.raises(InputError, match=r"an empty list.*auxiliary to none"):
        JointLoss(outcomes=[])(prediction, batch, HEAD)


def test_one_outcome_alone_is_scored_alone(prediction, batch):
    only = JointLoss(outcomes=["gains_0.20"])(prediction, batch, HEAD)
    only.recovery.backward()
    assert not prediction.recovery_logit.grad[:, 0].any()
    assert prediction.recovery_logit.grad[:, 1].any()


def test_the_likeliest_scale_is_the_size_of_the_error():
    scale = torch.linspace(0.01, 1.0, 100)
    losses = [
        JointLoss(auxiliary="none")(
            Prediction(torch.tensor([0.55]), b[None], torch.zeros(1, 2), torch.zeros(1, 0)),
            batch_of([0.5], [0.30]),
            HEAD,
        ).total.item()
        for b in scale
    ]
    assert scale[int(np.argmin(losses))].item() == pytest.approx(0.25, abs=0.011)


@pytest.mark.parametrize("weight", [-0.1, NAN, float("inf"), 0.0])
def test_a_weight_that_is_none_is_refused_by_key(weight):
    with pytest.raises(
        InputError, match=r"loss\.recovery_weight must be positive.*auxiliary to none"
    ):
        JointLoss(recovery_weight=weight)


def test_a_term_that_is_none_is_refused_by_key():
    with pytest.raises(
        InputError, match=r"loss\.auxiliary must be one of bce, hinge, none, got 'off'"
    ):
        JointLoss(auxiliary="off")


def test_bounds_decide_an_outcome_where_both_ends_agree(prediction):
    """0.5 or better, worse than 0.5, a band around the cut, a band beyond it; an exact eye."""
    batch = batch_of([0.6, 0.6, 0.6, 0.6, 0.6], [0.1] * 5)._replace(
        postop_lower_logmar=torch.tensor([-torch.inf, 0.311, 0.2, 0.45, 0.1]),
        postop_upper_logmar=torch.tensor([0.301, torch.inf, 0.5, 0.7, 0.1]),
    )
    JointLoss()(prediction, batch, HEAD).recovery.backward()
    # Reaches 0.30, and gains 0.20 (reaches 0.40): yes is pulled up, no is pulled down, open is 0.
    signs = [[-1, -1], [1, 0], [0, 0], [1, 1], [-1, -1]]
    assert prediction.recovery_logit.grad.sign().tolist() == signs
    assert batch.postop_logmar.isnan().tolist() == [True] * 4 + [False]


def test_a_wrong_share_mixes_each_density_with_an_even_one(prediction, batch):
    """REFERENCE: -log((1 - e) f + e / 2) by scipy, and cross-entropy times P(right)."""
    parts = JointLoss(recovery_weight=0.7, wrong_share=0.2)(prediction, batch, HEAD)
    location, scale, logit = (part.detach().double().numpy() for part in prediction[:3])
    truth, preop = batch.postop_logmar.double().numpy(), batch.preop_logmar.double().numpy()
    right, even = 0.8 * laplace.pdf(truth, location, scale), 0.2 / 2.0
    labels = np.stack([outcome.label(preop, truth) for outcome in DEFAULT_OUTCOMES], axis=1)
    entropy = np.logaddexp(0, -np.where(labels == 1, logit, -logit))
    share = np.broadcast_to((right / (right + even))[:, None], labels.shape)
    decided = np.isfinite(labels)
    regression = -np.log(right + even).mean()
    recovery = (share * entropy)[decided].mean()
    assert parts.regression.item() == pytest.approx(regression, rel=1e-5)
    assert parts.recovery.item() == pytest.approx(recovery, rel=1e-5)
    assert parts.total.item() == pytest.approx(regression + 0.7 * recovery, rel=1e-5)


def test_with_a_wrong_share_a_far_outcome_hardly_counts():
    sure = [torch.zeros(2), torch.full((2,), 0.1), torch.zeros(2, 2)]
    moved = []
    for share in (0.0, 0.1):
        location = sure[0].clone().requires_grad_()
        said = Prediction(location, *sure[1:], location[:, None])
        head = ResidualHead(distribution="gaussian")
        JointLoss(wrong_share=share)(said, batch_of([0.5, 0.5], [0.05, 1.0]), head).total.backward()
        moved.append(location.grad)
    assert moved[1][0].item() == pytest.approx(moved[0][0].item(), rel=0.05)
    assert abs(moved[1][1].item()) < 1e-6 < abs(moved[0][1].item())


def test_a_wrong_share_takes_bounds_by_their_part_of_the_chart(prediction, batch):
    low, high = [-np.inf, 0.3, 1.0, -0.2, 0.5], [0.0, 0.5, np.inf, -0.2, 0.5]
    bounded = batch._replace(
        postop_lower_logmar=torch.tensor(low), postop_upper_logmar=torch.tensor(high)
    )
    parts = JointLoss(wrong_share=0.2)(prediction, bounded, HEAD)
    right = 0.8 * torch.exp(-HEAD.losses(prediction, torch.tensor(low), torch.tensor(high)))
    # 0.3, 0.2 and 0.7 of 2 logMAR; a density where the outcome is exact.
    even = 0.2 * torch.tensor([0.3, 0.2, 0.7, 1.0, 1.0]) / 2.0
    expected = -torch.log(right + even).mean()
    assert parts.regression.item() == pytest.approx(expected.item(), rel=1e-5)
    parts.total.backward()
    assert all(part.grad.isfinite().all() for part in prediction[:3])


def test_a_wrong_share_that_makes_no_sense_is_refused(prediction, batch):
    for share in (-0.1, 0.5, float("nan")):
        with pytest.raises(InputError, match=r"loss\.wrong_share must be at least 0 and below"):
            JointLoss(wrong_share=share)
    with pytest.raises(InputError, match=r"DecimalHead gives the acuity no density; take Resid"):
        JointLoss(wrong_share=0.1)(prediction, batch, DecimalHead())
