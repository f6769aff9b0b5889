"""The contract of a backbone, over every member and three families of timm networks."""

from itertools import pairwise

import pytest
import timm
import torch
from safetensors.torch import save_file

from ctt_net.errors import InputError
from ctt_net.models import backbone as package
from ctt_net.models.backbone import Backbone, TimmBackbone


def scans(n, height=64, width=128, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 1, height, width), dtype=torch.uint8, generator=generator)


def test_every_member_stands_in_these_tests():
    kinds = {name for name in package.__all__ if name != "Backbone"}
    assert kinds == {
        "SegmentationBackbone", "SmallConvBackbone", "SmallResNetBackbone", "TimmBackbone",
    }  # fmt: skip
    assert all(issubclass(getattr(package, name), Backbone) for name in kinds)


@pytest.mark.parametrize("columns", [1, 3, 6])
def test_tokens_have_the_announced_number_and_width(network_name, columns, make_backbone):
    backbone = make_backbone(network_name, columns=columns).eval()
    tokens = 16 if network_name == "segmentation" else columns
    assert backbone.tokens == tokens
    assert backbone(scans(2)).shape == (2, tokens, backbone.embed_dim)


# Other layouts and endings: channels last, a wide layer behind the pool, no norm at all.
@pytest.mark.parametrize("name", ["test_mambaout", "test_byobnet", "mobilenetv4_conv_small"])
def test_networks_of_other_layouts_give_the_announced_width(name):
    backbone = TimmBackbone(name, columns=3).eval()
    assert backbone(scans(1)).shape == (1, 3, backbone.embed_dim)


def test_stages_give_maps_of_the_announced_width(network_name, make_backbone):
    shapes = shapes_of_stages(make_backbone(network_name))
    # A segmentation under masks and a transformer have no maps.
    assert len(shapes) >= (0 if network_name in ("segmentation", "test_vit") else 3)


@pytest.mark.parametrize(("name", "number"), [("test_efficientnet", 5), ("test_mambaout", 0)])
def test_stages_of_timm_are_read_where_channels_come_first(name, number):
    assert len(shapes_of_stages(TimmBackbone(name))) == number


def shapes_of_stages(backbone):
    """Of 3 scans; a gradient passes through each map, and maps get smaller."""
    shapes = []

    def read(_layer, _inputs, features):
        features.amax(dim=(2, 3)).sum().backward(retain_graph=True)
        shapes.append(tuple(features.shape))

    for stage in backbone.stages():
        stage.layer.register_forward_hook(read)
    backbone(scans(3))
    assert [shape[:2] for shape in shapes] == [(3, one.channels) for one in backbone.stages()]
    assert all(one[2:] >= two[2:] for one, two in pairwise(shapes))
    return shapes


@pytest.mark.parametrize("size", [(64, 64), (48, 112), (128, 192)])
def test_any_size_of_scan_is_taken(grid_network_name, size, make_backbone):
    backbone = make_backbone(grid_network_name, columns=2).eval()
    assert backbone(scans(1, *size)).isfinite().all()


def test_a_size_the_network_cannot_take_is_refused_with_the_cure():
    backbone = TimmBackbone("test_maxvit").eval()
    with pytest.raises(InputError, match=r"test_maxvit does not take scans of 64x96.*preprocess"):
        backbone(scans(1, width=96))


def test_columns_run_from_the_left_of_a_scan_to_its_right(grid_network_name, make_backbone):
    torch.manual_seed(0)
    backbone = make_backbone(grid_network_name, columns=4).eval()
    black = torch.zeros(1, 1, 64, 128, dtype=torch.uint8)
    before = backbone(black)
    moved = []
    for third in range(4):
        lit = black.clone()
        lit[..., 32 * third : 32 * (third + 1)] = 255
        moved.append((backbone(lit) - before).norm(dim=-1)[0])
    moved = torch.stack(moved)  # (lit quarter, token)
    # A vision transformer looks everywhere at once; all others change most where the light is.
    if grid_network_name != "test_vit":
        assert moved.argmax(dim=1).tolist() == [0, 1, 2, 3]
    assert not torch.allclose(moved[0], moved[3])


def test_depth_and_width_are_not_mixed_up():
    """A wide map pooled over the wrong axis would still have the right shape."""
    backbone = TimmBackbone("test_vit", columns=6)
    seen = {}

    def features(_, inputs, output):
        seen["map"] = output

    backbone.network.register_forward_hook(features)
    with torch.no_grad():
        tokens = backbone.eval()(scans(1, width=96))
    grid = seen["map"][:, backbone.network.num_prefix_tokens :].reshape(1, 4, 6, -1)  # 16-px tiles
    torch.testing.assert_close(tokens, grid.mean(dim=1))


def test_gradients_reach_every_parameter(network_name, stir, make_backbone):
    backbone = stir(make_backbone(network_name, columns=2).train())
    (backbone(scans(3)) * torch.randn(3, backbone.tokens, backbone.embed_dim)).sum().backward()
    still = [
        name
        for name, parameter in backbone.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert still == []


def test_one_scan_alone_can_be_trained_on(network_name, make_backbone):
    assert make_backbone(network_name).train()(scans(1)).isfinite().all()


def test_channels_last_changes_no_number(network_name, make_backbone):
    outputs = []
    for channels_last in (True, False):
        torch.manual_seed(0)
        backbone = make_backbone(network_name, channels_last=channels_last).eval()
        outputs.append(backbone(scans(2)))
    torch.testing.assert_close(*outputs, rtol=1e-4, atol=1e-5)


def test_grey_levels_are_scaled_as_the_network_was_pretrained():
    backbone = TimmBackbone("test_resnet")
    config = backbone.network.pretrained_cfg
    seen = {}
    backbone.network.register_forward_pre_hook(lambda _, inputs: seen.update(x=inputs[0]))
    with torch.no_grad():
        backbone.eval()(
            torch.tensor([0, 255], dtype=torch.uint8).expand(1, 1, 64, 32, 2).flatten(3)
        )
    mean, std = sum(config["mean"]) / 3, sum(config["std"]) / 3
    assert seen["x"].min().item() == pytest.approx((0 - mean) / std, rel=1e-5)
    assert seen["x"].max().item() == pytest.approx((1 - mean) / std, rel=1e-5)


def test_three_channels_are_grey_normalised_as_a_photograph_of_the_pretraining():
    backbone = TimmBackbone("test_resnet", channels=3)
    config = backbone.network.pretrained_cfg
    seen = {}
    backbone.network.register_forward_pre_hook(lambda _, inputs: seen.update(x=inputs[0]))
    grey = scans(2)
    with torch.no_grad():
        backbone.eval()(grey)
    mean, std = (torch.tensor(config[key]) for key in ("mean", "std"))
    photograph = grey.expand(-1, 3, -1, -1).permute(0, 2, 3, 1) / 255  # channels last, as a picture
    torch.testing.assert_close(seen["x"].permute(0, 2, 3, 1), (photograph - mean) / std)


def test_normalised_pictures_go_the_same_way_in():
    backbone = TimmBackbone("test_resnet", channels=3, rows=2, columns=3).eval()
    grey = scans(2)
    pixels = (grey.expand(-1, 3, -1, -1) / 255 - backbone.mean) / backbone.std
    torch.testing.assert_close(backbone.encode_normalised(pixels), backbone(grey))


def test_weights_are_those_of_the_pretraining_with_three_channels_and_their_sum_with_one(tmp_path):
    torch.manual_seed(0)
    full = timm.create_model("test_resnet")
    save_file(full.state_dict(), tmp_path / "w.safetensors")
    first = {
        channels: TimmBackbone("test_resnet", str(tmp_path / "w.safetensors"), channels=channels)
        .network.conv1[0]
        .weight
        for channels in (1, 3)
    }
    torch.testing.assert_close(first[3], full.conv1[0].weight)
    torch.testing.assert_close(first[1], full.conv1[0].weight.sum(dim=1, keepdim=True))


def test_an_unknown_network_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match=r"no network 'resnet181'; did you mean .*resnet18"):
        TimmBackbone("resnet181")
    with pytest.raises(InputError, match=r"no network 'qqqqq'$"):
        TimmBackbone("qqqqq")


@pytest.mark.parametrize("kind", [package.SmallConvBackbone, package.SmallResNetBackbone])
def test_a_small_backbone_sees_a_local_sign_that_the_mean_dilutes(kind):
    """One bright spot moves the token of its strip most, and the maximum more than the mean."""
    backbone = kind(columns=4).eval()
    plain = torch.full((1, 1, 64, 192), 40.0)
    spot = plain.clone()
    spot[..., 28:36, 116:124] = 250.0  # inside the third of four strips
    change = (backbone(spot) - backbone(plain)).abs()[0]  # (T, E)
    assert change.sum(dim=-1).argmax() == 2
    mean, highest = change[2].chunk(2)
    assert highest.sum() > 2 * mean.sum()


@pytest.mark.parametrize("arguments", [{"widths": (8,)}, {"widths": (8, 0)}])
def test_a_small_backbone_that_cannot_be_says_why(arguments):
    with pytest.raises(InputError, match="widths"):
        package.SmallConvBackbone(**arguments)
