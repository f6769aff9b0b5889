"""What is special about each fusion, against the same written out view by view."""

import pytest
import torch
from torch import nn

from ctt_net.models.attention import AttentionBlock
from ctt_net.models.fusion import (
    ConcatFusion,
    CrossTokenFusion,
    JointAttentionFusion,
    LateFusion,
    MeanFusion,
    SingleViewFusion,
)
from ctt_net.models.fusion.base import FusionInput
from ctt_net.models.fusion.cross_token import exchange_weights

DIM = 32


@pytest.mark.parametrize("kind", [CrossTokenFusion, JointAttentionFusion])
def test_what_makes_no_attention_is_refused(kind):
    with pytest.raises(ValueError, match="heads must divide dim 32, got 5"):
        kind(dim=32, heads=5)
    with pytest.raises(ValueError, match="depth"):
        kind(dim=32, depth=-1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"depth": -1}, "depth and exchanges must be 0 or more, got -1 and 4"),
        ({"pattern": "star"}, "pattern must be one of others, all, ring, attention, none"),
        ({"common": "lost"}, "common must be fixed or updated, got 'lost'"),
        ({"acuity_unit": "letters"}, "acuity_unit must be logmar or decimal, got 'letters'"),
        ({"num_views": 0}, "num_views must be positive, got 0"),
    ],
)
def test_an_option_that_is_none_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        CrossTokenFusion(dim=DIM, **options)


@pytest.mark.parametrize("own_weights", [False, True])
@pytest.mark.parametrize("common", ["fixed", "updated"])
def test_two_views_exchange_as_published(stir, token_eyes, own_weights, common):
    """The network of the paper, written out view by view: swap, then one block per view."""
    torch.manual_seed(0)
    fusion = CrossTokenFusion(
        dim=DIM, depth=2, exchanges=4, common=common, num_views=2 if own_weights else None
    )
    fusion = stir(fusion).eval()
    tokens, present, preop, known, _ = token_eyes(V=2, T=1)
    x, y = tokens[:, 0, 0], tokens[:, 1, 0]
    z = preop[:, None]

    def embedded(acuity):
        return z @ acuity.embed.weight.T + acuity.embed.bias

    t1, t2 = embedded(fusion.view_acuity[0]), embedded(fusion.view_acuity[-1])
    c1 = c2 = c = embedded(fusion.common_acuity)

    def stage(blocks, image, own, shared):
        row = torch.stack([image, own, shared], dim=1)
        for block in blocks:
            row = block(row)
        # The third is thrown away, or kept for the next round.
        return row[:, 0], row[:, 1], c if common == "fixed" else row[:, 2]

    x, t1, c1 = stage(fusion.before[0], x, t1, c1)
    y, t2, c2 = stage(fusion.before[-1], y, t2, c2)
    for _ in range(4):
        t1, t2 = t2, t1
        x, t1, c1 = stage(fusion.after[0], x, t1, c1)
        y, t2, c2 = stage(fusion.after[-1], y, t2, c2)
    expected = nn.functional.layer_norm(
        (t1 + t2) / 2, (DIM,), fusion.norm.weight, fusion.norm.bias, fusion.norm.eps
    )
    torch.testing.assert_close(fusion(FusionInput(tokens, present, preop, known)), expected)


def test_views_with_weights_of_their_own_are_treated_differently(stir, token_eyes):
    fusion = stir(CrossTokenFusion(dim=DIM, num_views=2)).eval()
    tokens, present, *rest = token_eyes(V=2)
    assert not torch.allclose(
        fusion(FusionInput(tokens, present, *rest)),
        fusion(FusionInput(tokens.flip(1), present, *rest)),
        atol=1e-3,
    )
    shared = stir(CrossTokenFusion(dim=DIM)).eval()
    torch.testing.assert_close(
        shared(FusionInput(tokens, present, *rest)),
        shared(FusionInput(tokens.flip(1), present, *rest)),
    )


def test_covariates_are_a_row_that_hears_and_is_heard_like_a_view(stir, token_eyes):
    fusion = stir(CrossTokenFusion(dim=DIM)).eval()
    tokens, present, preop, known, extra = token_eyes(V=2, T=3, F=3)
    as_views = torch.cat([tokens, extra[:, None]], dim=1)
    expected = fusion(FusionInput(as_views, torch.ones(4, 3, dtype=torch.bool), preop, known))
    torch.testing.assert_close(fusion(FusionInput(tokens, present, preop, known, extra)), expected)


def before_read_out(exchanges, pattern, eyes):
    """The mean of the views' tokens, bare of the final norm."""
    torch.manual_seed(0)
    fusion = CrossTokenFusion(dim=DIM, exchanges=exchanges, pattern=pattern).eval()
    fusion.norm = nn.Identity()
    return fusion(FusionInput(*eyes))


@pytest.mark.parametrize(
    ("exchanges", "pattern", "separate"),
    [
        (0, "others", True), (1, "others", False), (4, "others", False), (2, "none", True),
        (2, "all", False), (2, "ring", False), (2, "attention", False),
    ],
)  # fmt: skip
def test_only_exchanges_carry_news_between_views(token_eyes, exchanges, pattern, separate):
    tokens, present, preop, known, _ = token_eyes(V=2, T=3)
    both = before_read_out(exchanges, pattern, (tokens, present, preop, known))
    alone = [
        before_read_out(exchanges, pattern, (tokens[:, [v]], present[:, [v]], preop, known))
        for v in (0, 1)
    ]
    # With no exchange the whole is the mean of its parts, and nothing else.
    assert torch.allclose(both, (alone[0] + alone[1]) / 2, atol=1e-5) is separate


def test_untied_rounds_have_a_block_each():
    assert len(CrossTokenFusion(dim=DIM, exchanges=4, tied=False).after[0]) == 4
    assert len(CrossTokenFusion(dim=DIM, exchanges=4, tied=True).after[0]) == 1
    assert len(CrossTokenFusion(dim=DIM, exchanges=0, tied=True).after[0]) == 0


def heard(pattern, own, present):
    return (exchange_weights(pattern, present) @ own[..., None])[..., 0]


def test_the_mean_of_others_skips_absent_views_and_leaves_a_lonely_one_its_own():
    own = torch.tensor([1.0, 10.0, 100.0]).repeat(4, 1)
    present = torch.tensor([[1, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]]).bool()
    got = heard("others", own, present)
    assert got[0].tolist() == [55.0, 50.5, 5.5]
    assert got[1, [0, 2]].tolist() == [100.0, 1.0]
    assert got[2, 1].item() == 10.0
    assert got[3].tolist() == [1.0, 10.0, 100.0]


def test_the_mean_of_all_and_the_ring_skip_absent_views():
    own = torch.tensor([1.0, 10.0, 100.0, 1000.0]).repeat(4, 1)
    present = torch.tensor([[1, 1, 1, 1], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]).bool()
    ring = heard("ring", own, present)
    assert ring[0].tolist() == [10.0, 100.0, 1000.0, 1.0]
    assert ring[1, [0, 2]].tolist() == [100.0, 1.0]
    assert ring[2, 1].item() == 10.0
    assert ring.isfinite().all()
    everyone = heard("all", own, present)
    torch.testing.assert_close(everyone[0], torch.full((4,), 277.75))
    assert everyone[1, [0, 2]].tolist() == [50.5, 50.5]
    assert torch.equal(everyone[3], own[3])


@pytest.mark.parametrize("pattern", ["others", "ring"])
def test_either_is_the_published_swap_for_two_views(pattern):
    own = torch.randn(5, 2)
    assert torch.equal(heard(pattern, own, torch.ones(5, 2, dtype=torch.bool)), own.flip(1))


def test_masked_tokens_are_without_influence_to_the_bit(stir):
    block = stir(AttentionBlock(DIM)).eval()
    tokens = torch.randn(3, 6, DIM)
    attended = torch.tensor([[1, 1, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0], [1] * 6]).bool()
    other = torch.where(attended[..., None], tokens, 1e4 * torch.randn(3, 6, DIM))
    first, second = block(tokens, attended), block(other, attended)
    assert torch.equal(first[attended], second[attended])
    torch.testing.assert_close(first[0, [0, 1, 4]], block(tokens[:1, [0, 1, 4]])[0])
    assert first[1, 0].isfinite().all()
    torch.testing.assert_close(first[2], block(tokens)[2])


def test_the_mean_fusion_knows_no_order_of_tokens(token_eyes):
    torch.manual_seed(0)
    fusion = MeanFusion(dim=DIM).eval()
    tokens, *rest = token_eyes(T=6)
    torch.testing.assert_close(
        fusion(FusionInput(tokens.flip(1, 2), *rest)), fusion(FusionInput(tokens, *rest))
    )


def test_the_mean_fusion_looks_at_each_view_before_it_averages(stir, token_eyes):
    """Two views that cancel out in a plain mean do not here."""
    fusion = stir(MeanFusion(dim=DIM)).eval()
    tokens, present, *rest = token_eyes(V=2, T=1)
    opposite = torch.cat([tokens[:, :1], -tokens[:, :1]], dim=1)
    assert not torch.allclose(
        fusion(FusionInput(opposite, present, *rest)),
        fusion(FusionInput(0 * opposite, present, *rest)),
        atol=1e-3,
    )


def test_concatenation_gives_every_view_its_place(stir, token_eyes):
    fusion = stir(ConcatFusion(dim=DIM, num_views=3)).eval()
    tokens, present, *rest = token_eyes(V=3)
    assert not torch.allclose(
        fusion(FusionInput(tokens.flip(1), present, *rest)),
        fusion(FusionInput(tokens, present, *rest)),
        atol=1e-3,
    )


def test_a_single_view_that_does_not_exist_is_refused_when_the_network_is_built():
    with pytest.raises(ValueError, match="view is 2 and there are 2 views, from 0 to 1"):
        SingleViewFusion(dim=DIM, view=2).check_views(2)
    with pytest.raises(ValueError, match="view must be 0 or more, got -1"):
        SingleViewFusion(dim=DIM, view=-1)


def test_a_plain_single_view_is_handed_on_as_it_is(token_eyes):
    fusion = SingleViewFusion(dim=DIM, view=1, plain=True)
    tokens, present, *rest = token_eyes(V=3, T=1)
    present[2, 1] = False
    fused = fusion(FusionInput(tokens, present, *rest))
    assert torch.equal(fused[[0, 1, 3]], tokens[[0, 1, 3], 1, 0])
    assert not fused[2].any()


def test_late_fusion_is_a_linear_layer_over_the_views_side_by_side(token_eyes):
    """With projections of their own, which the network puts before it."""
    tokens, present, *rest = token_eyes(V=2, T=1)
    project = [nn.Linear(DIM, DIM, bias=False) for _ in range(2)]
    projected = torch.stack([project[v](tokens[:, v]) for v in (0, 1)], dim=1)
    joined = torch.cat([layer.weight for layer in project], dim=1)
    expected = torch.cat([tokens[:, 0, 0], tokens[:, 1, 0]], dim=1) @ joined.T
    fusion = LateFusion(dim=DIM, acuity_token=False)
    torch.testing.assert_close(fusion(FusionInput(projected, present, *rest)), expected)
    assert not list(fusion.parameters())
