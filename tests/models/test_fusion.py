"""The contract of a fusion, over every member, and what is special about the cross-token one."""

import pytest
import torch
from torch import nn

from ctt_net.models.fusion import CrossTokenFusion, MeanFusion
from ctt_net.models.fusion.cross_token import mean_of_others

DIM = 32


def eyes(B=4, V=3, T=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(B, V, T, DIM, generator=generator)
    preop = torch.linspace(0.1, 1.2, B)
    return tokens, torch.ones(B, V, dtype=torch.bool), preop, torch.ones(B, dtype=torch.bool)


@pytest.fixture
def fusion(fusion_kind, stir):
    torch.manual_seed(0)
    return stir(fusion_kind(dim=DIM)).eval()


@pytest.mark.parametrize("V", [1, 2, 3, 12])
@pytest.mark.parametrize("T", [1, 6])
def test_any_number_of_views_and_tokens_gives_one_token_an_eye(fusion, V, T):
    fused = fusion(*eyes(V=V, T=T))
    assert fused.shape == (4, DIM)
    assert fused.isfinite().all()


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_an_absent_view_has_no_influence(fusion, mode):
    fusion.train(mode == "train")
    tokens, present, preop, known = eyes()
    present[0, 1] = present[2, 0] = present[2, 2] = False
    outputs = []
    for noise in (0.0, 1e4):
        changed = torch.where(present[..., None, None], tokens, tokens + noise)
        torch.manual_seed(3)  # of dropout
        outputs.append(fusion(changed, present, preop, known))
    assert torch.equal(*outputs)


def test_a_present_view_has_influence(fusion):
    tokens, *rest = eyes()
    changed = tokens.clone()
    changed[:, 1] = torch.randn(2, DIM)
    assert not torch.allclose(fusion(tokens, *rest), fusion(changed, *rest), atol=1e-4)


def test_absent_views_are_as_good_as_never_thought_of(fusion):
    tokens, present, preop, known = eyes(V=3)
    present[:, 2] = False
    expected = fusion(tokens[:, :2], present[:, :2], preop, known)
    torch.testing.assert_close(fusion(tokens, present, preop, known), expected)


def test_an_unknown_acuity_has_no_influence_beyond_its_flag(fusion):
    tokens, present, preop, known = eyes()
    known[1] = False
    other = torch.where(known, preop, 9.0)
    assert torch.equal(fusion(tokens, present, preop, known), fusion(tokens, present, other, known))
    assert not torch.allclose(
        fusion(tokens, present, preop, torch.ones_like(known))[1],
        fusion(tokens, present, preop, known)[1],
        atol=1e-4,
    )


def test_a_known_acuity_has_influence(fusion):
    tokens, present, preop, known = eyes()
    before, after = fusion(tokens, present, preop, known), fusion(tokens, present, preop + 1, known)
    assert not torch.allclose(before, after, atol=1e-4)


def test_an_eye_of_which_all_is_missing_gives_finite_output_and_gradient(fusion):
    tokens, present, preop, known = eyes()
    fused = fusion(tokens, present & False, preop, known & False)
    assert fused.isfinite().all()
    (fused**2).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in fusion.parameters())


def test_eyes_do_not_see_each_other(fusion):
    tokens, present, preop, known = eyes()
    present[0, 1] = known[3] = False
    whole = fusion(tokens, present, preop, known)
    order = torch.tensor([2, 0, 3, 1])
    permuted = fusion(tokens[order], present[order], preop[order], known[order])
    torch.testing.assert_close(permuted, whole[order])
    alone = fusion(tokens[:1], present[:1], preop[:1], known[:1])
    torch.testing.assert_close(alone, whole[:1])


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_one_eye_alone_will_do(fusion, mode):
    assert fusion.train(mode == "train")(*eyes(B=1)).isfinite().all()


def test_the_same_eyes_give_the_same_output_twice(fusion):
    assert torch.equal(fusion(*eyes()), fusion(*eyes()))


def test_gradients_reach_every_parameter(fusion):
    tokens, present, preop, known = eyes()
    present[3] = False
    known[1] = False
    (fusion.train()(tokens, present, preop, known) * torch.randn(4, DIM)).sum().backward()
    still = [n for n, p in fusion.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_half_precision_stays_near_full(fusion):
    tokens, present, preop, known = eyes()
    present[0] = known[1] = False
    full = fusion(tokens, present, preop, known)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = fusion(tokens, present, preop, known)
    torch.testing.assert_close(half.float(), full, rtol=0.1, atol=0.1)


def test_a_width_of_nothing_is_refused(fusion_kind):
    with pytest.raises(ValueError, match="dim must be positive, got 0"):
        fusion_kind(dim=0)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="heads must divide dim 32, got 5"):
        CrossTokenFusion(dim=32, heads=5)
    with pytest.raises(ValueError, match="depth and exchanges must be 0 or more, got -1 and 4"):
        CrossTokenFusion(dim=32, depth=-1)


def test_two_views_exchange_as_published(stir):
    """The network of the paper, written out view by view: swap, then one block per view."""
    torch.manual_seed(0)
    fusion = stir(CrossTokenFusion(dim=DIM, depth=2, exchanges=4)).eval()
    tokens, present, preop, known = eyes(V=2, T=1)
    x, y = tokens[:, 0, 0], tokens[:, 1, 0]
    z = preop[:, None]
    t1 = t2 = z @ fusion.view_acuity.embed.weight.T + fusion.view_acuity.embed.bias
    c = z @ fusion.common_acuity.embed.weight.T + fusion.common_acuity.embed.bias

    def view(block, image, own):
        row = block(torch.stack([image, own, c], dim=1))
        return row[:, 0], row[:, 1]  # the third is thrown away

    for block in fusion.before:
        x, t1 = view(block, x, t1)
        y, t2 = view(block, y, t2)
    for _ in range(4):
        t1, t2 = t2, t1
        x, t1 = view(fusion.after[0], x, t1)
        y, t2 = view(fusion.after[0], y, t2)
    expected = nn.functional.layer_norm(
        (t1 + t2) / 2, (DIM,), fusion.norm.weight, fusion.norm.bias, fusion.norm.eps
    )
    torch.testing.assert_close(fusion(tokens, present, preop, known), expected)


def before_read_out(exchanges, tokens, present, preop, known):
    """The mean of the views' tokens, bare of the final norm."""
    torch.manual_seed(0)
    fusion = CrossTokenFusion(dim=DIM, exchanges=exchanges).eval()
    fusion.norm = nn.Identity()
    return fusion(tokens, present, preop, known)


@pytest.mark.parametrize(("exchanges", "separate"), [(0, True), (1, False), (4, False)])
def test_only_exchanges_carry_news_between_views(exchanges, separate):
    tokens, present, preop, known = eyes(V=2, T=3)
    both = before_read_out(exchanges, tokens, present, preop, known)
    alone = [
        before_read_out(exchanges, tokens[:, [v]], present[:, [v]], preop, known) for v in (0, 1)
    ]
    # With no exchange the whole is the mean of its parts, and nothing else.
    assert torch.allclose(both, (alone[0] + alone[1]) / 2, atol=1e-5) is separate


def test_untied_rounds_have_a_block_each():
    assert len(CrossTokenFusion(dim=DIM, exchanges=4, tied=False).after) == 4
    assert len(CrossTokenFusion(dim=DIM, exchanges=4, tied=True).after) == 1
    assert len(CrossTokenFusion(dim=DIM, exchanges=0, tied=True).after) == 0


def test_the_mean_of_others_skips_absent_views_and_leaves_a_lonely_one_its_own():
    own = torch.tensor([1.0, 10.0, 100.0])[None, :, None].repeat(4, 1, 1)
    present = torch.tensor([[1, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]]).bool()
    got = mean_of_others(own, present)[..., 0]
    assert got[0].tolist() == [55.0, 50.5, 5.5]
    assert got[1, [0, 2]].tolist() == [100.0, 1.0]
    assert got[2, 1].item() == 10.0
    assert got[3].tolist() == [1.0, 10.0, 100.0]


def test_the_mean_of_others_is_the_swap_for_two_views():
    own = torch.randn(5, 2, DIM)
    swapped = mean_of_others(own, torch.ones(5, 2, dtype=torch.bool))
    torch.testing.assert_close(swapped, own.flip(1))


def test_the_mean_fusion_knows_no_order_of_tokens():
    torch.manual_seed(0)
    fusion = MeanFusion(dim=DIM).eval()
    tokens, *rest = eyes(T=6)
    torch.testing.assert_close(fusion(tokens.flip(1, 2), *rest), fusion(tokens, *rest))
