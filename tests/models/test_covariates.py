"""Every covariate encoder: unknown, unseen and no covariates at all; gradients; export."""

import numpy as np
import pytest
import torch

from ctt_net.models import covariates as package
from ctt_net.models.covariates import CovariateEncoder

KINDS = [
    kind
    for kind in (getattr(package, name) for name in package.__all__)
    if issubclass(kind, CovariateEncoder) and kind is not CovariateEncoder
]
LEVELS = (0, 3, 0, 2)
DIM = 16

pytestmark = pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])


def rows(count=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    table = torch.rand(count, 4, generator=generator) * torch.tensor([30.0, 3, 6, 2])
    table = table + torch.tensor([60.0, 0, 22, 0])
    table[:, [1, 3]] = table[:, [1, 3]].floor()
    return table


def encoder_of(kind, levels=LEVELS, **arguments):
    torch.manual_seed(0)
    encoder = kind(DIM, levels, **arguments)
    encoder.initialise(rows(100, seed=1)[:, : len(levels)])
    return encoder.eval()


def test_one_token_per_covariate_for_any_number_of_eyes(kind):
    encoder = encoder_of(kind)
    for count in (1, 5):
        tokens = encoder(rows(count))
        assert tokens.shape == (count, 4, DIM)
        assert torch.equal(tokens, encoder(rows(count)))


def test_no_covariates_give_no_tokens(kind):
    encoder = encoder_of(kind, levels=())
    assert encoder(torch.zeros(3, 0)).shape == (3, 0, DIM)
    assert encoder.train()(torch.zeros(3, 0)).shape == (3, 0, DIM)


@pytest.mark.parametrize("levels", [(0,), (2,), (0, 0), (3, 2)])
def test_one_kind_of_covariate_alone(kind, levels):
    table = torch.tensor([[0.0, 1.0], [1.0, torch.nan], [torch.nan, torch.nan]])
    assert encoder_of(kind, levels)(table[:, : len(levels)]).isfinite().all()


def test_an_unknown_covariate_is_a_token_of_its_own(kind):
    encoder, table = encoder_of(kind), rows(1)
    for f in range(4):
        unknown = table.clone()
        unknown[0, f] = torch.nan
        tokens = encoder(unknown)
        assert tokens.isfinite().all()
        assert not torch.allclose(tokens[0, f], encoder(table)[0, f], atol=1e-3)
    assert encoder(torch.full((2, 4), torch.nan)).isfinite().all()


def test_an_infinite_number_and_a_level_that_there_is_not_are_unknown(kind):
    encoder, table = encoder_of(kind), rows(1).repeat(5, 1)
    table[0, 1] = torch.nan
    for row, level in enumerate((3, -1, 1e9, torch.inf), start=1):
        table[row, 1] = level
    tokens = encoder(table)
    assert all(torch.equal(tokens[0], tokens[row]) for row in range(1, 5))
    table = rows(1).repeat(2, 1)
    table[0, 0], table[1, 0] = torch.nan, torch.inf
    tokens = encoder(table)
    assert torch.equal(tokens[0], tokens[1])


def test_numbers_are_taken_in_their_own_unit(kind):
    encoder, table = encoder_of(kind), rows(50)
    tokens = encoder(table)
    other = encoder_of(kind)
    scale = torch.tensor([12.0, 1, 1000, 1])  # months and micrometres
    other.initialise(rows(100, seed=1) * scale)
    np.testing.assert_allclose(other(table * scale).detach(), tokens.detach(), atol=2e-3, rtol=1e-3)


def test_every_parameter_learns(kind):
    encoder = encoder_of(kind, drop=0.2).train()
    torch.manual_seed(0)
    encoder(rows(64)).square().mean().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_training_shows_known_covariates_as_unknown_now_and_then(kind):
    encoder, table = encoder_of(kind, drop=0.25), rows(1).repeat(4000, 1)
    torch.manual_seed(0)
    _, known = encoder.train().tokens(table)
    assert known.float().mean().item() == pytest.approx(0.75, abs=0.02)
    _, known = encoder.eval().tokens(table)
    assert known.all()
    never = encoder_of(kind, drop=0.0).train()
    assert never.tokens(table)[1].all()


def test_half_precision_is_finite_and_keeps_a_tenth_of_a_millimetre_apart(kind):
    encoder, table = encoder_of(kind), rows(1).repeat(2, 1)
    table[:, 2] = torch.tensor([23.40, 23.45])  # one number in bfloat16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        tokens = encoder(table)
    assert tokens.isfinite().all()
    assert not torch.equal(tokens[0, 2], tokens[1, 2])


@pytest.mark.parametrize("arguments", [{"dim": 0}, {"levels": (0, -1)}])
def test_arguments_without_a_meaning_are_refused(kind, arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        kind(**{"dim": DIM, "levels": LEVELS, **arguments})
