"""The course of the rates, against the published numbers and against torch's own."""

import pytest
import torch

from ctt_net.errors import InputError
from ctt_net.training.schedule import AdamWOneCycle, SgdSteps


def groups(rates=(0.1,), decays=(5e-4,)):
    return [
        {"params": [torch.nn.Parameter(torch.ones(2))], "lr": rate, "weight_decay": decay}
        for rate, decay in zip(rates, decays, strict=True)
    ]


def course(optimisation, steps, rates=(0.1,), decays=(5e-4,)):
    """Rates of each group at each step."""
    optimizer, scheduler = optimisation(groups(rates, decays), steps)
    seen = []
    for _ in range(steps):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return torch.tensor(seen)


def test_the_published_rates_rise_for_100_steps_and_fall_at_600_900_and_1100():
    rates = course(SgdSteps(), 1200)[:, 0]
    torch.testing.assert_close(rates[:100], 0.1 * torch.arange(1, 101) / 100)
    for start, end, rate in ((100, 600, 0.1), (600, 900, 0.01), (900, 1100, 1e-3)):
        torch.testing.assert_close(rates[start:end], torch.full((end - start,), rate))
    torch.testing.assert_close(rates[1100:], torch.full((100,), 1e-4))


def test_groups_keep_their_ratio_and_all_decay_alike():
    rates = course(SgdSteps(warmup_steps=0), 3, rates=(0.1, 0.02), decays=(5e-4, 0.0))
    torch.testing.assert_close(rates, torch.tensor([[0.1, 0.02]]).expand(3, 2))
    optimizer, _ = SgdSteps()(groups((0.1, 0.02), (5e-4, 0.0)), 3)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [5e-4, 5e-4]
    assert isinstance(optimizer, torch.optim.SGD)
    assert optimizer.param_groups[0]["momentum"] == 0


def test_one_cycle_rises_for_its_fraction_and_ends_near_nothing():
    rates = course(AdamWOneCycle(0.25), 40, rates=(0.1, 0.02), decays=(0.05, 0.0))
    assert rates[:, 0].argmax() in (9, 10)
    torch.testing.assert_close(rates[:, 1], rates[:, 0] / 5)
    assert rates[0, 0] < 0.01 * 0.11
    assert rates[-1, 0] < 0.001
    optimizer, _ = AdamWOneCycle()(groups((0.1, 0.02), (0.05, 0.0)), 40)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.05, 0.0]


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (AdamWOneCycle, {"warmup_fraction": 1.0}),
        (SgdSteps, {"milestones": [900, 600]}),
        (SgdSteps, {"warmup_steps": -1}),
        (SgdSteps, {"factor": 0.0}),
        (SgdSteps, {"momentum": 1.0}),
    ],
)
def test_a_course_that_is_none_is_refused(kind, arguments):
    with pytest.raises(InputError, match=r"optimisation.*got"):
        kind(**arguments)
