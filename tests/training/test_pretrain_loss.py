"""The loss and the figures of a pretraining, against their formulas written out."""

import math

import numpy as np
import pytest
import torch

from ctt_net.errors import InputError
from ctt_net.synthetic import KINDS
from ctt_net.training.pretrain.data import Lesions
from ctt_net.training.pretrain.figures import LesionMeter, flat, lesion_figures
from ctt_net.training.pretrain.module import LesionHead, LesionLoss

B, V, L = 5, 2, len(KINDS)


def lesions(seed, as_truth=False):
    rng = np.random.default_rng(seed)
    presence = rng.normal(size=(B, V, L))
    if as_truth:
        presence = (presence > 0).astype(float)
    parts = (
        presence,
        rng.normal(size=(B, V, L)) / 5,
        rng.normal(size=(B, L)) / 5,
        rng.normal(size=B),
    )
    return Lesions(*(part.astype(np.float32) for part in parts))


def tensors(found):
    return Lesions(*(torch.from_numpy(part) for part in found))


def huber_in_lines(error):
    lines = abs(error) / 0.1
    return 0.5 * lines**2 if lines < 1 else lines - 0.5


def test_the_loss_is_its_formula():
    found, truth = lesions(0), lesions(1, as_truth=True)
    present = np.array([[1, 1], [1, 0], [0, 1], [0, 0], [1, 1]], bool)
    presence = view_cost = 0.0
    for b, v in np.argwhere(present):
        for k in range(L):
            p = 1 / (1 + math.exp(-found.presence[b, v, k]))
            presence -= math.log(p if truth.presence[b, v, k] else 1 - p)
            view_cost += huber_in_lines(found.view_cost[b, v, k] - truth.view_cost[b, v, k])
    cost = sum(huber_in_lines(e) for e in (found.cost - truth.cost).ravel()) / B
    potential = sum(huber_in_lines(e) for e in found.potential - truth.potential) / B
    parts = LesionLoss(0.5, 2.0, 3.0, 0.25)(tensors(found), tensors(truth), torch.tensor(present))
    expected = (presence / present.sum(), view_cost / present.sum(), cost, potential)
    np.testing.assert_allclose([float(part) for part in parts[1:]], expected, rtol=1e-5)
    weighted = np.dot([0.5, 2.0, 3.0, 0.25], expected)
    assert float(parts.total) == pytest.approx(weighted, rel=1e-5)


def test_an_absent_view_changes_no_loss_and_no_figure():
    found, truth = lesions(0), lesions(1, as_truth=True)
    present = np.array([[1, 1], [1, 0], [1, 1], [1, 0], [1, 1]], bool)
    other = Lesions(*(part.copy() for part in found))
    other.presence[~present] += 7
    other.view_cost[~present] -= 7
    losses = [
        LesionLoss()(tensors(one), tensors(truth), torch.tensor(present)) for one in (found, other)
    ]
    assert losses[0] == losses[1]
    figures = [lesion_figures(one, truth, present, ["h", "v"]) for one in (found, other)]
    assert figures[0] == figures[1]


@pytest.mark.parametrize("weights", [{"cost_weight": -1}, {"presence_weight": float("nan")}])
def test_a_weight_that_is_none_is_refused(weights):
    with pytest.raises(InputError, match=r"model\.loss"):
        LesionLoss(**weights)


def test_nothing_to_learn_is_refused():
    with pytest.raises(InputError, match="all weights are 0"):
        LesionLoss(0, 0, 0, 0)


def test_figures_are_their_formulas():
    found, truth = lesions(2), lesions(3, as_truth=True)
    present = np.ones((B, V), bool)
    present[0, 1] = False
    figures = lesion_figures(found, truth, present, ["h", "v"])
    error = np.abs(found.potential - truth.potential).mean()
    assert figures["potential"]["mae"] == pytest.approx(error, rel=1e-6)
    for k, kind in enumerate(KINDS):
        cases = [b for b in range(1, B) if truth.presence[b, 1, k] == 1]
        controls = [b for b in range(1, B) if truth.presence[b, 1, k] == 0]
        pairs = [found.presence[i, 1, k] > found.presence[j, 1, k] for i in cases for j in controls]
        auroc = figures["views"]["v"][kind]["auroc"]
        assert auroc == (pytest.approx(np.mean(pairs)) if pairs else None)
        assert figures["views"]["v"][kind]["share"] == pytest.approx(len(cases) / 4)
        r = np.corrcoef(found.cost[:, k], truth.cost[:, k])[0, 1]
        assert figures["cost"][kind]["r"] == pytest.approx(r, abs=1e-6)
    named = flat(figures)
    assert named["cost_erm_mae"] == figures["cost"]["erm"]["mae"]
    assert all(math.isfinite(value) for value in named.values())


def test_a_meter_in_batches_says_the_same():
    found, truth = lesions(4), lesions(5, as_truth=True)
    present = torch.ones(B, V, dtype=torch.bool)
    meter = LesionMeter(["h", "v"])
    for rows in (slice(0, 2), slice(2, B)):
        meter.update(tensors(found.of(rows)), tensors(truth.of(rows)), present[rows])
    assert meter.compute() == lesion_figures(found, truth, present.numpy(), ["h", "v"])


def test_the_readout_starts_at_the_base_rates():
    truth = lesions(6, as_truth=True)
    present = torch.tensor([[1, 1], [1, 0], [1, 1], [0, 0], [1, 1]], dtype=torch.bool)
    head = LesionHead(8)
    head.initialise(tensors(truth), present)
    read = head(torch.zeros(1, V, 3, 8), torch.zeros(1, 8))
    crossed = truth.presence[present.numpy()].sum(axis=0)  # of 7 scans
    expected = np.log((crossed + 0.5) / (7.5 - crossed))
    np.testing.assert_allclose(read.presence[0, 0].detach(), expected, rtol=1e-5)
    np.testing.assert_allclose(read.cost[0].detach(), truth.cost.mean(axis=0), rtol=1e-4)
    assert read.potential.item() == pytest.approx(truth.potential.mean(), rel=1e-4)
