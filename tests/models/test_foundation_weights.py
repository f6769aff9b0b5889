"""Checkpoints as foundation models of the retina publish them, in small; nothing is downloaded."""

import argparse
import hashlib
import logging
import socket
import threading
import time

import pytest
import timm
import torch
import torchvision
from huggingface_hub import constants
from safetensors.torch import save_file

from ctt_net.errors import InputError
from ctt_net.models.backbone import TimmBackbone
from ctt_net.models.backbone.timm_network import is_reachable
from ctt_net.models.backbone.weights import read_weights, renamed_like

NAME = "test_vit"  # pretrained, by its config, with mean and deviation 0.5
FILE = "my_vit.pth"


@pytest.fixture(scope="module")
def encoder():
    """A vision transformer without a head, every tensor moved off its start."""
    torch.manual_seed(7)
    state = timm.create_model(NAME, num_classes=0).state_dict()
    return {key: value + 0.1 * torch.rand_like(value) for key, value in state.items()}


def loaded(path, **arguments):
    return TimmBackbone(NAME, str(path), **arguments)


def assert_same(backbone, encoder, but=()):
    for key, value in backbone.network.state_dict().items():
        if key not in but:
            expected = encoder[key]
            if key == "patch_embed.proj.weight":
                expected = expected.sum(dim=1, keepdim=True)
            torch.testing.assert_close(value, expected, msg=key)


def mae(encoder):
    """A masked autoencoder: encoder, mask and decoder in one, its command line beside it."""
    extra = {
        "mask_token": torch.rand(1, 1, 32),
        "decoder_pos_embed": torch.rand(1, 101, 32),
        "decoder_embed.weight": torch.rand(32, 64),
        "decoder_blocks.0.norm1.weight": torch.rand(32),
        "decoder_pred.bias": torch.rand(768),
    }
    arguments = argparse.Namespace(model="mae", blr=1e-3, resume="")
    return {"model": encoder | extra, "epoch": 800, "args": arguments}


def test_of_a_masked_autoencoder_the_encoder_is_taken(encoder, tmp_path, caplog):
    torch.save(mae(encoder), tmp_path / FILE)
    with caplog.at_level(logging.WARNING):
        assert_same(loaded(tmp_path / FILE), encoder)
    assert "5 tensors of a decoder or a head left out: decoder_pos_embed" in caplog.text


def test_of_a_fine_tuned_one_the_norm_behind_the_pool_is_taken(encoder, tmp_path, caplog):
    state = {key.replace("norm.", "fc_norm.") if key[:5] == "norm." else key: value
             for key, value in encoder.items()}  # fmt: skip
    state |= {"head.weight": torch.rand(5, 64), "head.bias": torch.rand(5)}
    torch.save({"model": state}, tmp_path / FILE)
    with caplog.at_level(logging.WARNING):
        assert_same(loaded(tmp_path / FILE), encoder)
    assert "fc_norm.weight of the file taken for norm.weight" in caplog.text


def test_of_a_self_distillation_the_teachers_backbone_is_taken(encoder, tmp_path):
    teacher = {
        "backbone." + key.replace("blocks.", "blocks.0."): value for key, value in encoder.items()
    }
    teacher |= {"backbone.mask_token": torch.rand(1, 64), "dino_head.mlp.0.weight": torch.rand(4)}
    torch.save({"teacher": teacher}, tmp_path / FILE)
    assert_same(loaded(tmp_path / FILE), encoder)


def test_places_of_another_size_are_resampled(encoder, tmp_path):
    other = timm.create_model(NAME, num_classes=0, img_size=224).state_dict()
    torch.save({"model": encoder | {"pos_embed": other["pos_embed"]}}, tmp_path / FILE)
    backbone = loaded(tmp_path / FILE)
    assert_same(backbone, encoder, but=("pos_embed",))
    assert backbone.network.pos_embed.shape == encoder["pos_embed"].shape


def test_a_missing_tensor_is_still_refused_by_name(encoder, tmp_path):
    lost = {key: value for key, value in encoder.items() if key != "blocks.3.attn.qkv.weight"}
    torch.save({"model": lost}, tmp_path / FILE)
    with pytest.raises(InputError, match=r"1 of its tensors.*blocks\.3\.attn\.qkv\.weight"):
        loaded(tmp_path / FILE)


class Settings:
    """What a training may have kept beside its tensors."""


def test_other_objects_beside_the_tensors_are_refused_with_the_way_to_convert(encoder, tmp_path):
    torch.save({"model": encoder, "args": Settings()}, tmp_path / FILE)
    with pytest.raises(InputError, match=r"holds .*Settings, which could run code.*save_file"):
        read_weights(tmp_path / FILE)


@pytest.mark.parametrize(
    ("file", "licence", "words", "normalisation"),
    [
        ("RETFound_mae_natureOCT.pth", None, "CC BY-NC 4.0; cite Zhou", "imagenet"),
        ("retfoundgreen_statedict.pth", None, "non-commercial research", "half"),
        ("weights.pth", "RETFound", "CC BY-NC 4.0; cite Zhou", "imagenet"),
        ("weights.pth", "MIT", "licence MIT", "network"),
        ("weights.pth", None, "licence unknown: check it", "network"),
    ],
)
def test_licence_and_citation_are_known_by_name(
    encoder, tmp_path, file, licence, words, normalisation
):
    path = tmp_path / file
    torch.save(mae(encoder), path)
    origin = loaded(path, licence=licence, normalisation=normalisation).origin
    assert words in str(origin)
    assert str(tmp_path) not in str(origin)
    assert origin.to_dict()["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_safetensors_file_states_its_own_licence(encoder, tmp_path):
    save_file(encoder, tmp_path / "w.safetensors", metadata={"license": "Apache-2.0"})
    assert loaded(tmp_path / "w.safetensors").origin.licence == "Apache-2.0"


def test_trap_weights_that_were_trained_on_otherwise_normalised_pictures(encoder, tmp_path):
    """A network's config says 0.5, RETFound was trained with ImageNet's mean and deviation."""
    torch.save(mae(encoder), tmp_path / "RETFound_oct.pth")
    with pytest.raises(InputError, match=r"backbone\.normalisation: .*set normalisation: imagenet"):
        loaded(tmp_path / "RETFound_oct.pth")
    backbone = loaded(tmp_path / "RETFound_oct.pth", normalisation="imagenet", channels=3)
    assert backbone.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])


@pytest.mark.parametrize("name", ["resnet18", "convnext_tiny"])
def test_torchvisions_names_are_translated(name):
    theirs = getattr(torchvision.models, name)
    with torch.device("meta"):
        state, target = theirs().state_dict(), timm.create_model(name).state_dict()
    renamed = renamed_like(state, target)
    assert set(renamed) == set(target)
    assert all(renamed[key].shape == target[key].shape for key in target)


def test_random_weights_have_no_origin():
    assert TimmBackbone("test_resnet").origin is None


def test_trap_a_dead_network_is_noticed_within_seconds(monkeypatch):
    """The hub's own retries take one to three minutes."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    silent = socket.create_server(("127.0.0.1", 0))  # takes a call and never says a word
    address = f"http://127.0.0.1:{silent.getsockname()[1]}"
    start = time.monotonic()
    assert not is_reachable(address, response=0.5, patience=3)
    silent.close()
    monkeypatch.setattr(constants, "ENDPOINT", address)  # closed by now: refuses
    with pytest.raises(InputError, match=r"'resnet18' cannot be had here.*does not respond"):
        TimmBackbone("resnet18", "hub")
    assert time.monotonic() - start < 15


def test_a_network_that_answers_is_noticed(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    server = socket.create_server(("127.0.0.1", 0))

    def answer():
        call, _ = server.accept()
        call.recv(4096)
        call.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        call.close()

    threading.Thread(target=answer, daemon=True).start()
    assert is_reachable(f"http://127.0.0.1:{server.getsockname()[1]}", response=5, patience=8)
    server.close()


def test_weights_in_the_cache_need_no_network(encoder, tmp_path, monkeypatch):
    full = timm.create_model(NAME).state_dict()
    save_file(full, tmp_path / "model.safetensors")
    found = "ctt_net.models.backbone.timm_network.try_to_load_from_cache"
    monkeypatch.setattr(found, lambda *_, **__: str(tmp_path / "model.safetensors"))
    monkeypatch.setattr("ctt_net.models.backbone.timm_network.is_reachable", lambda _: False)
    backbone = TimmBackbone(NAME, "hub")
    assert_same(backbone, full)
    assert backbone.origin.licence == "apache-2.0"
