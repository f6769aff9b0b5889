"""Backbones of one's own for each view, and one for very many views."""

import torch

from ctt_net.models import MultiViewNet
from ctt_net.models.backbone import SmallConvBackbone, TimmBackbone
from ctt_net.models.fusion import MeanFusion
from ctt_net.models.head import ResidualHead


def net_of(backbone, views, sharing):
    torch.manual_seed(0)
    return MultiViewNet(backbone, MeanFusion(dim=8), ResidualHead(dim=8), views, sharing=sharing)


def test_each_views_backbone_learns_from_its_own_scans_only(eyes):
    net = net_of(SmallConvBackbone(widths=(6, 8)), 3, "none").train()
    views, present, preop = eyes()
    present[:, 1] = False
    before = [
        {key: value.clone() for key, value in member.state_dict().items()}
        for member in net.backbone
    ]
    assert all(torch.equal(before[0][key], before[2][key]) for key in before[0])
    net(views, present, preop).postop_logmar.sum().backward()
    reached = [any(p.grad is not None for p in member.parameters()) for member in net.backbone]
    assert reached == [True, False, True]
    # Batch statistics are those of one's own view; of none where no scan was there.
    moved = [
        not torch.equal(member.layers[1].running_mean, before[v]["layers.1.running_mean"])
        for v, member in enumerate(net.backbone)
    ]
    assert moved == [True, False, True]
    first, last = (net.backbone[v].layers[1].running_mean for v in (0, 2))
    assert not torch.equal(first, last)


def test_frozen_backbones_of_ones_own_stay_frozen(eyes):
    net = net_of(TimmBackbone("test_resnet", tune="frozen"), 2, "none").train()
    views, present, preop = eyes(V=2)
    before = {key: value.clone() for key, value in net.backbone.state_dict().items()}
    net(views, present, preop).postop_logmar.sum().backward()
    after = net.backbone.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert all(parameter.grad is None for parameter in net.backbone.parameters())
    assert net.project[0].weight.grad.abs().sum() > 0


def test_their_state_goes_out_and_in_again(eyes):
    net = net_of(SmallConvBackbone(widths=(6, 8)), 3, "none")
    other = net_of(SmallConvBackbone(widths=(6, 8)), 3, "none")
    with torch.no_grad():
        for v, member in enumerate(net.backbone):
            member.layers[0].weight.add_(v)
    other.load_state_dict(net.state_dict())
    batch = eyes()
    expected = net.eval()(*batch).postop_logmar
    torch.testing.assert_close(other.eval()(*batch).postop_logmar, expected)


def test_forty_nine_views_pass_through_one_backbone(eyes):
    net = net_of(SmallConvBackbone(widths=(6, 8)), 49, "all").eval()
    views, present, preop = eyes(B=2, V=49)
    present[1, 1:] = False
    expected = net(views[1:, :1], present[1:, :1], preop[1:]).postop_logmar
    torch.testing.assert_close(net(views, present, preop).postop_logmar[1:], expected)
