"""The contract of the whole network, over every backbone, fusion, head and covariate encoder."""

import pytest
import torch

from ctt_net.models import MultiViewNet
from ctt_net.models.backbone import TimmBackbone
from ctt_net.models.fusion import ConcatFusion, CrossTokenFusion, MeanFusion, SingleViewFusion
from ctt_net.models.head import ResidualHead


def assert_same(first, second):
    for ours, theirs in zip(first, second, strict=True):
        assert torch.equal(ours, theirs)


def covariates_of(net):
    """Two numbers and a level of four eyes, each unknown in one; None if the network has none."""
    if net.covariates is None:
        return None
    unknown = torch.nan
    return torch.tensor(
        [[61.0, 23.1, 0], [unknown, 25.0, 1], [70.5, unknown, 2], [80.0, 22.0, unknown]]
    )


@pytest.mark.parametrize("V", [1, 2, 12])
def test_any_number_of_views_gives_one_prediction_an_eye(make_net, eyes, V):
    prediction = make_net(num_views=V).eval()(*eyes(B=2, V=V))
    assert prediction.postop_logmar.shape == prediction.scale_logmar.shape == (2,)
    assert prediction.recovery_logit.shape == (2, 2)
    assert all(part.isfinite().all() for part in prediction)


def test_fewer_views_than_the_network_knows_will_do_and_more_are_refused(eyes):
    net = MultiViewNet(TimmBackbone("test_resnet"), MeanFusion(32), ResidualHead(32), 3).eval()
    views, present, preop = eyes(V=3)
    gone = present.clone()
    gone[:, 2] = False
    for ours, theirs in zip(
        net(views[:, :2], present[:, :2], preop), net(views, gone, preop), strict=True
    ):
        torch.testing.assert_close(ours, theirs)
    with pytest.raises(ValueError, match="4 views are more than the 3"):
        net(*eyes(V=4))


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_an_absent_view_has_no_influence_on_output_or_batch_statistics(make_net, eyes, mode):
    views, present, preop = eyes()
    present[0, 1] = present[2, 0] = present[2, 2] = present[3] = False
    other = torch.where(present[..., None, None, None], views, 255 - views)
    outputs, buffers = [], []
    for pixels in (views, other):
        net = make_net().train(mode == "train")
        torch.manual_seed(3)  # of dropout
        outputs.append(net(pixels, present, preop))
        buffers.append(dict(net.named_buffers()))
    assert_same(*outputs)
    for name, value in buffers[0].items():
        assert torch.equal(value, buffers[1][name]), name


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_tokens_of_an_absent_view_are_zero_whatever_stands_there(eyes, stir, mode):
    net = MultiViewNet(TimmBackbone("test_resnet"), MeanFusion(32), ResidualHead(32), 3)
    stir(net).train(mode == "train")
    views, present, _ = eyes()
    present[0, 1] = present[2, 0] = False
    views = views.float()
    views[~present] = float("nan")
    tokens = net.encode(views, present)
    assert (tokens[~present] == 0).all()
    assert (tokens[present] != 0).any(dim=-1).all()


def test_batch_statistics_are_those_of_the_present_scans_alone(eyes):
    views, present, preop = eyes()
    present[0, 1] = present[2, 0] = False
    statistics = []
    for alone in (False, True):
        torch.manual_seed(0)
        net = MultiViewNet(TimmBackbone("test_resnet"), MeanFusion(32), ResidualHead(32), 3).train()
        if alone:
            net.backbone[0](views[present])
        else:
            net(views, present, preop)
        statistics.append(net.backbone[0].network.layer4[0].bn1.running_mean)
    torch.testing.assert_close(*statistics)
    assert statistics[0].any()


def test_a_present_view_has_influence(make_net, eyes):
    net = make_net().eval()
    views, present, preop = eyes()
    for view in range(3):
        changed = views.clone()
        changed[:, view] = 255 - changed[:, view]
        before, after = net(views, present, preop), net(changed, present, preop)
        if net.fusion.used_views(present)[:, view].all():
            assert not torch.allclose(before.postop_logmar, after.postop_logmar, atol=1e-5)
        else:
            assert_same(before, after)


@pytest.mark.parametrize("fusion", [CrossTokenFusion(32), MeanFusion(32)])
def test_views_are_told_apart_by_their_embedding_and_by_nothing_else(eyes, stir, fusion):
    differ = []
    for place_embeddings in (True, False):
        torch.manual_seed(0)
        net = MultiViewNet(
            TimmBackbone("test_vit"), fusion, ResidualHead(32), 3, place_embeddings=place_embeddings
        )
        stir(net).eval()
        views, present, preop = eyes()
        whole, swapped = net(views, present, preop), net(views[:, [1, 0, 2]], present, preop)
        differ.append((whole.postop_logmar - swapped.postop_logmar).abs().max().item())
    assert differ[0] > 1e-4 > 1e-5 > differ[1]


def test_views_a_fusion_does_not_look_at_leave_no_trace_in_training(eyes):
    """Not even in the batch statistics of the backbone that all views share."""
    views, present, preop = eyes()
    other = views.clone()
    other[:, [0, 2]] = 255 - other[:, [0, 2]]
    outputs, buffers = [], []
    for pixels in (views, other):
        torch.manual_seed(0)
        net = MultiViewNet(
            TimmBackbone("test_resnet"), SingleViewFusion(32, view=1), ResidualHead(32), 3
        ).train()
        torch.manual_seed(3)  # of dropout
        outputs.append(net(pixels, present, preop))
        buffers.append(net.backbone[0].network.layer4[0].bn1.running_mean)
    assert_same(*outputs)
    assert torch.equal(*buffers)
    assert buffers[0].any()


def test_an_unknown_acuity_is_finite_and_leaves_other_eyes_alone(make_net, eyes):
    net = make_net().eval()
    views, present, preop = eyes()
    unknown = preop.clone()
    unknown[1] = float("nan")
    whole, part = net(views, present, preop), net(views, present, unknown)
    others = [0, 2, 3]
    assert_same([p[others] for p in whole], [p[others] for p in part])
    assert all(p.isfinite().all() for p in part)
    assert whole.postop_logmar[1] != part.postop_logmar[1]
    infinite = torch.where(unknown.isnan(), float("inf"), preop)
    assert_same(part, net(views, present, infinite))


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_eyes_of_which_all_is_missing_are_finite_with_finite_gradients(make_net, eyes, mode):
    net = make_net().train(mode == "train")
    views, present, preop = eyes()
    prediction = net(views, present & False, preop * float("nan"))
    assert all(part.isfinite().all() for part in prediction)
    sum((part**2).sum() for part in prediction).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


def test_permuting_eyes_permutes_predictions(make_net, eyes):
    net = make_net().eval()
    views, present, preop = eyes()
    present[0, 1] = False
    preop[2] = float("nan")
    order = torch.tensor([2, 0, 3, 1])
    whole = net(views, present, preop)
    permuted = net(views[order], present[order], preop[order])
    for ours, theirs in zip(whole, permuted, strict=True):
        torch.testing.assert_close(ours[order], theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_one_eye_alone_will_do(make_net, eyes, mode):
    prediction = make_net(num_views=1).train(mode == "train")(*eyes(B=1, V=1))
    assert all(part.isfinite().all() for part in prediction)


def test_the_same_eyes_give_the_same_numbers_twice(make_net, eyes):
    net = make_net().eval()
    assert_same(net(*eyes()), net(*eyes()))


def test_gradients_reach_every_parameter(make_net, eyes):
    net = make_net().train()
    views, present, preop = eyes()
    preop[1] = float("nan")
    present[3] = False
    prediction = net(views, present, preop, covariates_of(net))
    sum((part * torch.randn_like(part)).sum() for part in prediction).backward()
    still = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_half_precision_is_finite_and_answers_in_full(make_net, eyes, mode):
    net = make_net().train(mode == "train")
    views, present, preop = eyes()
    present[0, 1] = present[3] = False
    preop[1] = float("nan")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        prediction = net(views, present, preop)
    for part in prediction:
        assert part.dtype == torch.float32
        assert part.isfinite().all()


def test_training_and_evaluation_differ_only_in_statistics_and_dropout(eyes):
    """The two ways through `encode`: leave absent scans out, or blank them."""
    torch.manual_seed(0)
    net = MultiViewNet(TimmBackbone("test_vit"), MeanFusion(32), ResidualHead(32, dropout=0.0), 3)
    views, present, preop = eyes()
    present[0, 1] = present[3] = False
    for ours, theirs in zip(
        net.train()(views, present, preop), net.eval()(views, present, preop), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_fusion_for_another_number_of_views_is_refused():
    with pytest.raises(ValueError, match=r"fusion\.num_views is 2 and there are 3 views; set"):
        MultiViewNet(TimmBackbone("test_resnet"), ConcatFusion(32), ResidualHead(32), 3)


def test_parts_of_different_width_are_refused():
    with pytest.raises(ValueError, match=r"fusion\.dim 32 and head\.dim 64 must be equal"):
        MultiViewNet(TimmBackbone("test_resnet"), MeanFusion(32), ResidualHead(64), 2)
