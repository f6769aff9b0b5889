"""The plain pipeline that speed is measured against, and the ratios."""

import numpy as np
import torch

from benchmarks.plain_pipeline import PlainCtt, plain_loss
from benchmarks.turns import compared
from ctt_net.models.reference import ReferenceNet


def test_the_plain_network_is_as_large_as_the_published_one():
    plain, ours = PlainCtt(), ReferenceNet("ctt").network

    def size(network):
        return sum(parameter.numel() for parameter in network.parameters())

    # Ours has logits for the recovery besides.
    extra = size(ours) - size(plain)
    assert 0 <= extra < 1000
    post = plain.eval()(*torch.zeros(2, 2, 3, 64, 64), torch.tensor([0.01, 1.0]))
    assert post.shape == (2,)
    assert ((post > 0) & (post < 1.5)).all()


def test_the_plain_loss_is_that_of_the_paper_by_hand():
    post, preop, truth = torch.tensor([[0.5, 0.9], [0.4, 0.2], [0.8, 0.3]])
    # Eye 1 gains 0.4 and is given 0.1: margin -0.1, wrong. Eye 2 gains 0.1 and is given 0.7: 0.5.
    expected = (0.3**2 + 0.6**2) / 2 + 2 * (0.1 + 0.5) / 2
    assert torch.isclose(plain_loss(post, preop, truth), torch.tensor(expected))


def test_ratios_are_of_rounds_that_were_run_beside_each_other():
    spent = np.array([[2.0, 1.0], [20.0, 10.0], [3.0, 1.0]])
    found = compared(["plain", "ours"], spent, eyes=10)
    assert found["plain"] == {"ms_an_eye": 300.0, "ratio": 1.0, "iqr": [1.0, 1.0]}
    assert found["ours"] == {"ms_an_eye": 100.0, "ratio": 2.0, "iqr": [2.0, 2.5]}
