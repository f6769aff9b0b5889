"""The contract of a fusion, over every member and its variants, with covariates and without."""

import pytest
import torch

from ctt_net.models.fusion.base import FusionInput

DIM = 32


@pytest.fixture(params=[0, 3], ids=["", "covariates"], name="F")
def number_of_covariates(request):
    return request.param


@pytest.fixture
def fusion(fusion_case):
    return fusion_case.fusion(3).eval()


def sees(case, what):
    """Whether a variant is there to see this at all."""
    blind = what == "acuity" and (
        case.arguments.get("acuity_token") is False or case.arguments.get("plain")
    )
    return not blind


@pytest.mark.parametrize(("V", "T", "F"), [(1, 1, 0), (2, 6, 3), (12, 1, 1), (49, 1, 0)])
def test_any_number_of_views_and_tokens_gives_one_token_an_eye(fusion_case, token_eyes, V, T, F):
    fused = fusion_case.fusion(V)(FusionInput(*token_eyes(B=2, V=V, T=T, F=F)))
    assert fused.shape == (2, DIM)
    assert fused.isfinite().all()


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_an_absent_view_has_no_influence(fusion, token_eyes, mode, F):
    fusion.train(mode == "train")
    tokens, present, *rest = token_eyes(F=F)
    present[0, 1] = present[2, 0] = present[2, 2] = present[3] = False
    outputs = []
    for noise in (0.0, 1e4):
        changed = torch.where(present[..., None, None], tokens, tokens + noise)
        torch.manual_seed(3)  # of dropout
        outputs.append(fusion(FusionInput(changed, present, *rest)))
    assert torch.equal(*outputs)


def test_an_absent_view_gets_no_gradient(fusion, token_eyes, F):
    tokens, present, *rest = token_eyes(F=F)
    present[0, 1] = present[2, 0] = present[2, 2] = present[3] = False
    tokens.requires_grad_()
    (fusion(FusionInput(tokens, present, *rest)) ** 2).sum().backward()
    assert not tokens.grad[~present].any()
    assert tokens.grad.isfinite().all()


def test_a_present_view_has_influence_where_it_is_looked_at(fusion, token_eyes):
    tokens, present, *rest = token_eyes(F=2)
    for view in range(3):
        changed = tokens.clone()
        changed[:, view] = torch.randn(2, DIM)
        before, after = (
            fusion(FusionInput(tokens, present, *rest)),
            fusion(FusionInput(changed, present, *rest)),
        )
        if fusion.used_views(present)[:, view].all():
            assert not torch.allclose(before, after, atol=1e-4)
        else:
            assert torch.equal(before, after)
    assert fusion.used_views(present).any()


def test_absent_views_are_as_good_as_never_thought_of(fusion, token_eyes):
    tokens, present, *rest = token_eyes(V=3, F=2)
    present[:, 2] = False
    expected = fusion(FusionInput(tokens[:, :2], present[:, :2], *rest))
    torch.testing.assert_close(fusion(FusionInput(tokens, present, *rest)), expected)


def test_an_unknown_acuity_has_no_influence_beyond_its_flag(fusion, fusion_case, token_eyes):
    tokens, present, preop, known, extra = token_eyes(F=2)
    known[1] = False
    other = torch.where(known, preop, 9.0)
    fused = fusion(FusionInput(tokens, present, preop, known, extra))
    assert torch.equal(fused, fusion(FusionInput(tokens, present, other, known, extra)))
    flagged = fusion(FusionInput(tokens, present, preop, torch.ones_like(known), extra))
    same = torch.allclose(flagged[1], fused[1], atol=1e-4)
    assert same is not sees(fusion_case, "acuity")


def test_a_known_acuity_has_influence(fusion, fusion_case, token_eyes):
    tokens, present, preop, known, extra = token_eyes(F=2)
    before = fusion(FusionInput(tokens, present, preop, known, extra))
    after = fusion(FusionInput(tokens, present, preop + 1, known, extra))
    assert torch.allclose(before, after, atol=1e-4) is not sees(fusion_case, "acuity")


def test_every_covariate_has_influence_also_on_an_eye_without_scans(fusion, token_eyes):
    tokens, present, preop, known, extra = token_eyes(F=3)
    present[1] = False
    before = fusion(FusionInput(tokens, present, preop, known, extra))
    for f in range(3):
        changed = extra.clone()
        changed[:, f] = torch.randn(DIM)
        after = fusion(FusionInput(tokens, present, preop, known, changed))
        assert ((before - after).abs().max(dim=1).values > 1e-4).all()


def test_no_covariate_is_as_good_as_none(fusion, token_eyes):
    *eyes, _ = token_eyes()
    assert torch.equal(
        fusion(FusionInput(*eyes, torch.zeros(4, 0, DIM))), fusion(FusionInput(*eyes, None))
    )


def test_an_eye_of_which_all_is_missing_gives_finite_output_and_gradient(fusion, token_eyes, F):
    tokens, present, preop, known, extra = token_eyes(F=F)
    fused = fusion(FusionInput(tokens, present & False, preop, known & False, extra))
    assert fused.isfinite().all()
    if fused.requires_grad:
        (fused**2).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in fusion.parameters())


def test_eyes_do_not_see_each_other(fusion, token_eyes):
    tokens, present, preop, known, extra = token_eyes(F=2)
    present[0, 1] = known[3] = False

    def of(which):
        covariates = None if extra is None else extra[which]
        return fusion(
            FusionInput(tokens[which], present[which], preop[which], known[which], covariates)
        )

    whole = of(slice(None))
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(of(order), whole[order])
    torch.testing.assert_close(of(slice(0, 1)), whole[:1])


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_one_eye_alone_will_do(fusion, token_eyes, mode):
    assert fusion.train(mode == "train")(FusionInput(*token_eyes(B=1, F=2))).isfinite().all()


def test_the_same_eyes_give_the_same_output_twice(fusion, token_eyes):
    assert torch.equal(fusion(FusionInput(*token_eyes(F=2))), fusion(FusionInput(*token_eyes(F=2))))


def test_gradients_reach_every_parameter(fusion, token_eyes, F):
    tokens, present, preop, known, extra = token_eyes(F=F)
    present[3] = False
    known[1] = False
    fused = fusion.train()(FusionInput(tokens, present, preop, known, extra))
    still = []
    if list(fusion.parameters()):
        (fused * torch.randn(4, DIM)).sum().backward()
        still = [n for n, p in fusion.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_half_precision_stays_near_full(fusion, token_eyes):
    tokens, present, preop, known, extra = token_eyes(F=2)
    present[0] = known[1] = False
    full = fusion(FusionInput(tokens, present, preop, known, extra))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = fusion(FusionInput(tokens, present, preop, known, extra))
    torch.testing.assert_close(half.float(), full, rtol=0.1, atol=0.1)


def test_a_width_of_nothing_is_refused(fusion_case):
    with pytest.raises(ValueError, match="dim must be positive, got 0"):
        fusion_case.fusion(2, dim=0)


def test_weights_for_some_views_serve_no_other_number(fusion_case, token_eyes):
    fusion = fusion_case.fusion(2)
    fusion.check_views(2)
    if fusion.num_views is None:
        return
    with pytest.raises(ValueError, match=r"3 views; set fusion\.init_args\.num_views to 3"):
        fusion.check_views(3)
    with pytest.raises(ValueError, match="3 views are more than the 2 of num_views"):
        fusion(FusionInput(*token_eyes(V=3)))
