"""What of a backbone learns: nothing, norms or adapters, and what is left of those afterwards."""

from importlib.util import find_spec

import pytest
import torch
from torch import nn

from ctt_net.errors import InputError
from ctt_net.models.backbone import (
    SegmentationBackbone,
    SmallConvBackbone,
    SmallResNetBackbone,
    TimmBackbone,
)
from ctt_net.models.backbone.lora import Lora, adapted_layers

FAMILIES = ["test_vit", "test_resnet", "test_convnext"]
needs_peft = pytest.mark.skipif(find_spec("peft") is None, reason="peft is not installed")


def scans(n=3, height=64, width=128, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 1, height, width), dtype=torch.uint8, generator=generator)


def learning(backbone):
    return {name for name, parameter in backbone.named_parameters() if parameter.requires_grad}


def step(backbone, times=1):
    """Train for some steps on a made-up aim."""
    optimiser = torch.optim.SGD([p for p in backbone.parameters() if p.requires_grad], lr=0.05)
    backbone.train()
    for seed in range(times):
        optimiser.zero_grad()
        (backbone(scans(seed=seed)) ** 2).mean().backward()
        optimiser.step()


@pytest.mark.parametrize(
    "kind", [SegmentationBackbone, SmallConvBackbone, SmallResNetBackbone, TimmBackbone]
)
def test_a_frozen_backbone_says_the_same_in_training_whatever_it_has_seen(kind):
    torch.manual_seed(0)
    arguments = {
        SegmentationBackbone: {"weights": "none"},
        SmallConvBackbone: {"widths": (8, 12)},
        SmallResNetBackbone: {"width": 4},
        TimmBackbone: {"name": "test_resnet"},
    }[kind]
    backbone = kind(tune="frozen", **arguments)
    assert learning(backbone) == set()
    backbone(scans(seed=2))  # in the mode it is made in, as Lightning trains it
    state = {key: value.clone() for key, value in backbone.state_dict().items()}
    fresh = kind(**arguments).eval()
    fresh.load_state_dict(state)
    expected = fresh(scans())
    torch.testing.assert_close(backbone(scans()), expected)
    backbone.eval().train()
    assert backbone.training
    backbone(scans(seed=1))
    torch.testing.assert_close(backbone(scans()), expected)
    assert all(torch.equal(value, state[key]) for key, value in backbone.state_dict().items())
    assert not backbone(scans()).requires_grad


def test_a_full_backbone_moves_its_batch_statistics():
    """The control of the test above."""
    torch.manual_seed(0)
    backbone = TimmBackbone("test_resnet").train()
    before = backbone.network.bn1.running_mean.clone()
    backbone(scans())
    assert not torch.equal(backbone.network.bn1.running_mean, before)


def test_dropout_of_a_frozen_backbone_is_off():
    torch.manual_seed(0)
    backbone = TimmBackbone("test_vit", tune="frozen")
    for module in backbone.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.5
    backbone.train()
    torch.testing.assert_close(backbone(scans()), backbone(scans()))


@pytest.mark.parametrize("name", FAMILIES)
def test_norms_are_all_that_learns_if_so_asked(name, stir):
    backbone = stir(TimmBackbone(name, tune="norms"))
    norms = ("BatchNorm2d", "BatchNormAct2d", "LayerNorm", "LayerNorm2d")
    expected = {
        f"{path}.{key}"
        for path, module in backbone.named_modules()
        if type(module).__name__ in norms
        for key in ("weight", "bias")
    }
    assert expected
    assert learning(backbone) == expected
    before = {key: value.clone() for key, value in backbone.named_parameters()}
    step(backbone)
    moved = {k for k, value in backbone.named_parameters() if not torch.equal(value, before[k])}
    assert moved == expected


def test_a_network_without_norms_cannot_train_them():
    with pytest.raises(InputError, match="no norms to train"):
        TimmBackbone("test_nfnet", tune="norms")


@needs_peft
@pytest.mark.parametrize("name", FAMILIES)
def test_adapters_learn_and_come_out_as_plain_weights(name, stir):
    torch.manual_seed(0)
    plain = stir(TimmBackbone(name))
    backbone = TimmBackbone(name, tune="lora", lora=Lora(rank=2))
    backbone.load_state_dict(plain.state_dict())  # as a pretraining leaves it
    torch.testing.assert_close(backbone.eval()(scans()), plain.eval()(scans()))
    assert learning(backbone)
    assert all("lora_" in key for key in learning(backbone))
    start = {key: value.clone() for key, value in backbone.state_dict().items()}
    step(backbone, times=2)
    moved = {k for k, value in backbone.state_dict().items() if not torch.equal(value, start[k])}
    assert moved == learning(backbone), "batch statistics and all weights beside adapters stay"
    trained = backbone.eval()(scans())
    assert (trained - plain(scans())).abs().max() > 1e-4
    backbone.merge_adapters()
    assert set(backbone.state_dict()) == set(plain.state_dict())
    plain.load_state_dict(backbone.state_dict())
    scale = trained.abs().max().item()
    torch.testing.assert_close(plain(scans()), trained, rtol=0, atol=1e-6 * max(1.0, scale))


@needs_peft
def test_a_checkpoint_with_adapters_is_taken_up_again():
    torch.manual_seed(0)
    backbone = TimmBackbone("test_vit", tune="lora")
    step(backbone, times=2)
    torch.manual_seed(1)
    other = TimmBackbone("test_vit", tune="lora")
    other.load_state_dict(backbone.state_dict())
    torch.testing.assert_close(other.eval()(scans()), backbone.eval()(scans()))


def test_adapters_go_beside_attention_where_there_is_attention():
    example = torch.zeros(1, 1, 160, 160)
    vit = adapted_layers(TimmBackbone("test_vit").network, example)
    assert len(vit) == 2 * 6
    assert all(name.endswith(("attn.qkv", "attn.proj")) for name in vit)
    convnext = adapted_layers(TimmBackbone("test_convnext").network, example)
    assert all(name.endswith(("fc1", "fc2")) for name in convnext)
    resnet = TimmBackbone("test_resnet").network
    convolutions = adapted_layers(resnet, example)
    assert "conv1.0" not in convolutions
    assert "layer4.0.conv2" in convolutions


def test_lora_without_peft_is_refused_with_the_cure(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(InputError, match=r"'lora' needs peft; pip install '\.\[lora\]'"):
        TimmBackbone("test_vit", tune="lora")


@pytest.mark.parametrize("wrong", [{"rank": 0}, {"alpha": 0.0}, {"dropout": 1.0}])
def test_adapters_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match=r"backbone\.lora"):
        Lora(**wrong)
