"""Rates and decay of every parameter, against the formula."""

import pytest
import torch

from ctt_net.errors import InputError
from ctt_net.models import MultiViewNet
from ctt_net.models.backbone import SmallConvBackbone, TimmBackbone
from ctt_net.models.fusion import MeanFusion
from ctt_net.models.head import ResidualHead
from ctt_net.training.deep_supervision import DeepSupervision, StageHeads
from ctt_net.training.schedule import parameter_groups


def net_of(backbone, sharing="all"):
    return MultiViewNet(backbone, MeanFusion(dim=8), ResidualHead(dim=8), 2, sharing=sharing)


def rates(net, **arguments):
    """Name -> (rate, decay), and that every parameter that learns stands in one group."""
    groups = parameter_groups(net, 1.0, 0.1, 0.05, **arguments)
    members = [parameter for group in groups for parameter in group["params"]]
    assert len(members) == len(set(map(id, members)))
    where = {id(p): (g["lr"], g["weight_decay"]) for g in groups for p in g["params"]}
    learning = {n: p for n, p in net.named_parameters() if p.requires_grad}
    assert set(where) == {id(p) for p in learning.values()}
    return {name: where[id(parameter)] for name, parameter in learning.items()}


@pytest.mark.parametrize("sharing", ["all", "none"])
def test_a_transformers_blocks_learn_by_their_depth(sharing):
    found = rates(net_of(TimmBackbone("test_vit"), sharing), backbone_layer_decay=0.75)
    last = 6  # patches and places, then six blocks; the final norm goes with the last
    for v in range(2 if sharing == "none" else 1):
        front = f"backbone.{v}.network."
        expected = {"patch_embed.proj.weight": 0, "pos_embed": 0, "norm.weight": last} | {
            f"blocks.{block}.attn.qkv.weight": block + 1 for block in range(6)
        }
        for name, depth in expected.items():
            assert found[front + name][0] == pytest.approx(0.1 * 0.75 ** (last - depth)), name
    rest = {rate for name, (rate, _) in found.items() if not name.startswith("backbone.")}
    assert rest == {1.0}


def test_a_small_conv_learns_by_its_layers():
    found = rates(net_of(SmallConvBackbone(widths=(4, 6, 8))), backbone_layer_decay=0.5)
    scales = {name: rate for name, (rate, _) in found.items() if name.startswith("backbone.")}
    convolutions = [rate for name, rate in scales.items() if name.endswith("weight")]
    # Convolution and norm of three layers.
    assert convolutions == pytest.approx([0.025, 0.025, 0.05, 0.05, 0.1, 0.1])


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "test_mambaout"])
def test_rates_rise_from_the_scan_to_the_fusion_in_any_family(name):
    found = rates(net_of(TimmBackbone(name)), backbone_layer_decay=0.75)
    values = {rate for key, (rate, _) in found.items() if key.startswith("backbone.")}
    powers = sorted(0.1 * 0.75**k for k in range(len(values)))
    assert sorted(values) == pytest.approx(powers)
    assert len(values) > 3


def test_one_rate_without_layer_decay():
    found = rates(net_of(TimmBackbone("test_vit")))
    assert {rate for name, (rate, _) in found.items() if name.startswith("backbone.")} == {0.1}


def test_decay_spares_vectors_places_and_what_timm_names(monkeypatch):
    backbone = TimmBackbone("test_vit")
    named = backbone.network.no_weight_decay() | {"blocks.0.attn.qkv.weight"}
    monkeypatch.setattr(backbone.network, "no_weight_decay", lambda: named)
    found = rates(net_of(backbone), backbone_layer_decay=0.75)
    spared = {name for name, (_, decay) in found.items() if decay == 0}
    front = "backbone.0.network."
    assert {front + "cls_token", front + "pos_embed", front + "norm.weight"} <= spared
    assert front + "blocks.0.attn.qkv.weight" in spared
    assert {"view_embedding", "place_embedding"} <= spared
    assert found[front + "blocks.1.attn.qkv.weight"][1] == 0.05
    assert found["project.0.weight"][1] == 0.05


def test_heads_of_deep_supervision_learn_as_all_but_the_backbone_does():
    net = net_of(SmallConvBackbone(widths=(4, 6, 8)))
    heads = StageHeads(DeepSupervision([0, 1]), net)
    groups = parameter_groups(net, 1.0, 0.1, 0.05, stage_heads=heads)
    where = {id(p): (g["lr"], g["weight_decay"]) for g in groups for p in g["params"]}
    for name, parameter in heads.named_parameters():
        assert where[id(parameter)] == (1.0, 0.05 if name.endswith("weight") else 0.0), name


def test_what_is_frozen_is_in_no_group():
    found = rates(net_of(TimmBackbone("test_resnet", tune="frozen")), backbone_layer_decay=0.75)
    assert not any(name.startswith("backbone.") for name in found)
    assert torch.tensor([rate for rate, _ in found.values()]).unique().tolist() == [1.0]


@pytest.mark.parametrize("decay", [0.0, 1.5])
def test_a_layer_decay_that_is_no_share_is_refused(decay):
    with pytest.raises(InputError, match=rf"backbone_layer_decay must lie .* got {decay}"):
        parameter_groups(net_of(SmallConvBackbone()), 1.0, 0.1, 0.05, decay)
