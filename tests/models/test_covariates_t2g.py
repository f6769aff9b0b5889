"""The tabular transformer against its equations, and where it leaves them on purpose."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from ctt_net.models.covariates import T2GEncoder

_spec = importlib.util.spec_from_file_location(
    "t2g_oracle", Path(__file__).with_name("t2g_oracle.py")
)
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

LEVELS = (0, 3, 0, 2, 0)


def rows(count, seed=0, unknown=0.2):
    """Eyes of mixed covariates in raw units, some of them unknown."""
    generator = torch.Generator().manual_seed(seed)
    table = torch.rand(count, 5, generator=generator, dtype=torch.float64)
    table = table * torch.tensor([30.0, 3, 6, 2, 2000]) + torch.tensor([60.0, 0, 22, 0, -1000])
    table[:, [1, 3]] = table[:, [1, 3]].floor()
    table[torch.rand(count, 5, generator=generator) < unknown] = torch.nan
    return table


def encoder_of(dtype, **arguments):
    torch.manual_seed(0)
    encoder = T2GEncoder(16, LEVELS, **{"heads": 4, "layers": 3, **arguments}).to(dtype)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    encoder.initialise(rows(200, seed=1).to(dtype))
    return encoder.eval()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_features_readout_and_graphs_follow_the_published_equations(dtype, tolerance):
    encoder, eyes = encoder_of(dtype), rows(40).to(dtype)
    with torch.no_grad():
        features, readout, graphs = encoder.relate(eyes)
        tokens = encoder(eyes)
    expected = oracle.forward(eyes.double().numpy(), oracle.weights_of(encoder))
    found = (features, readout, torch.stack(graphs, dim=1))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours.double().numpy(), theirs, rtol=0, atol=tolerance)
    joined = expected[0] + expected[1][:, None]
    np.testing.assert_allclose(tokens.double().numpy(), joined, rtol=0, atol=2 * tolerance)


def test_it_has_as_many_parameters_as_the_published_network():
    """787,396 for 7 columns of 5 numbers and 8 levels, width 192, 8 heads, 3 layers."""
    encoder = T2GEncoder(192, (0, 0, 0, 0, 0, 4, 4), heads=8, layers=3)
    own = encoder.tokens.unknown_embedding.numel()  # tokens of unknown covariates
    own += 2 * 192  # rows of number_embedding that belong to the two categorical columns
    own += 192 * 192 + 192 - (192 + 1)  # a read-out as wide as a token instead of one number
    assert sum(parameter.numel() for parameter in encoder.parameters()) - own == 787_396


def formula(shape, phase):
    """Numbers that anyone can write down again."""
    index = torch.arange(int(np.prod(shape)), dtype=torch.float64)
    return torch.sin(1.7 * index + phase).view(shape) * 0.5


def test_fixed_numbers_stay_what_they_were():
    encoder = T2GEncoder(4, (0, 2, 0, 0), heads=2, layers=2, knots=3).double().eval()
    with torch.no_grad():
        for phase, (_, parameter) in enumerate(sorted(encoder.named_parameters())):
            parameter.copy_(formula(parameter.shape, phase))
    table = torch.tensor([[60.0, 0, 22, 5], [70, 1, 24, 6], [80, 0, 23, 9]], dtype=torch.float64)
    encoder.initialise(table)
    eyes = torch.tensor([[65, 1, 23.5, 5.5], [99, 0, torch.nan, 7]], dtype=torch.float64)
    with torch.no_grad():
        tokens = encoder(eyes)
        graph = encoder.relation_graph(eyes)
    # Written by the oracle of t2g_oracle.py.
    np.testing.assert_allclose(tokens[:, :, 0].numpy(), TOKENS, atol=1e-9)
    np.testing.assert_allclose(graph.numpy(), GRAPH, atol=1e-9)


TOKENS = [
    [-0.241673071757, -0.213124385441, -0.789280805716, -0.359094732425],
    [-0.376253732605, -0.498338927574, -0.831720408628, -0.784463026036],
]
GRAPH = [
    [0, 0.502137917455, 0, 0, 0.497862082545],
    [0, 0, 1, 0, 0],
    [0, 0, 0, 0.5, 0],  # unknown in one of the two eyes, and its only edge
    [0, 0.50756873805, 0, 0, 0.49243126195],
    [0, 0, 1, 0, 0],
]


def without_edges(encoder):
    """Cut every edge of every layer."""
    with torch.no_grad():
        for block in encoder.blocks:
            block.graph.edge_bias.fill_(-5.0)
    return encoder


def test_a_row_without_an_edge_reads_nothing():
    """The published softmax would fall back on everything, the row itself included."""
    encoder, eyes = without_edges(encoder_of(torch.float64)), rows(6, unknown=0)
    _, _, graphs = encoder.relate(eyes)
    assert all((graph == 0).all() for graph in graphs)
    changed = eyes.clone()
    changed[:, 0] += 5
    same = (encoder.relate(eyes)[0] == encoder.relate(changed)[0]).all(dim=-1)
    assert same[:, 1:].all()
    assert not same[:, 0].any()


def test_cut_edges_still_have_gradients_of_the_scale_of_the_rest():
    norms = []
    for encoder in (encoder_of(torch.float32), without_edges(encoder_of(torch.float32))):
        encoder(rows(20).float()).square().mean().backward()
        assert all(parameter.grad.isfinite().all() for parameter in encoder.parameters())
        blocks = encoder.blocks
        norms.append(torch.cat([block.graph.head_embedding.grad for block in blocks]).norm())
        if len(norms) == 1:
            rest = torch.cat([block.value.weight.grad for block in blocks]).norm()
    # Published: 10000 times as much for an edge that is kept, nothing for one that is cut.
    assert all(1e-4 < norm / rest < 10 for norm in norms)


def test_the_gate_has_the_gradient_of_a_factor():
    """Straight-through: as if the edge were a factor whose slope is the probability's."""
    torch.manual_seed(1)
    graph = T2GEncoder(8, (0,) * 5, heads=2).double().blocks[0].graph
    tokens = 0.3 * torch.randn(2, 6, 8, dtype=torch.float64)
    wanted = torch.randn(2, 2, 6, 6, dtype=torch.float64)
    found = graph(tokens, torch.ones(2, 6, dtype=torch.bool))
    (found * wanted).sum().backward()
    with torch.no_grad():
        projected = graph.project(tokens).view(2, 6, 2, 4).transpose(1, 2)
        weight = (projected @ projected.mT / 2).exp()
        soft = graph.edge_probability()
    kept = graph.kept_edges()
    assert kept.any(dim=-1).all(), "the formula below knows no empty row"
    assert (graph.allowed & ~kept).any()
    factor = kept.double().requires_grad_()
    # What was cut is worth no more than the best that was kept.
    best = torch.where(kept, weight, 0.0).amax(dim=-1, keepdim=True)
    gated = factor * torch.minimum(weight, best)
    (gated / gated.sum(-1, keepdim=True) * wanted).sum().backward()
    expected = (factor.grad * graph.allowed * soft * (1 - soft)).sum()
    assert graph.edge_bias.grad.item() == pytest.approx(expected.item(), rel=1e-9)


def test_nobody_reads_itself_the_readout_or_what_is_unknown():
    encoder, eyes = encoder_of(torch.float64), rows(30)
    _, _, graphs = encoder.relate(eyes)
    for graph in graphs:
        assert (graph.diagonal(dim1=-2, dim2=-1) == 0).all()
        assert (graph[..., 0] == 0).all()
        unknown = eyes.isnan()[:, None, None].expand(-1, 4, 6, -1)
        assert (graph[..., 1:][unknown] == 0).all()
        sums = graph.sum(dim=-1)
        assert (sums.isclose(sums.new_ones(())) | (sums == 0)).all()


def test_on_request_the_token_of_an_unknown_covariate_is_read():
    encoder, eyes = encoder_of(torch.float64, read_unknown=True), rows(30)
    _, _, graphs = encoder.relate(eyes)
    column = eyes.isnan().any(dim=0).nonzero()[0, 0]
    unknown = eyes[:, column].isnan()
    assert any((graph[unknown][..., column + 1] > 0).any() for graph in graphs)


def test_relations_are_means_over_eyes_heads_and_layers():
    encoder, eyes = encoder_of(torch.float64), rows(25)
    _, _, graphs = encoder.relate(eyes)
    encoder.train()
    found = encoder.relation_graph(eyes)
    assert encoder.training
    assert found.shape == (6, 6)
    np.testing.assert_allclose(found, torch.stack(graphs).mean(dim=(0, 1, 2)).detach(), atol=1e-12)


def test_half_precision_around_it_changes_nothing():
    encoder, eyes = encoder_of(torch.float32), rows(10).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = encoder(eyes)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, encoder(eyes))


@pytest.mark.parametrize("wrong", [{"heads": 3}, {"layers": 0}, {"drop": 1.0}, {"knots": 1}])
def test_arguments_that_make_no_network_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        T2GEncoder(16, LEVELS, **wrong)
