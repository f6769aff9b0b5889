"""Precision by device, and the warning where a processor only emulates it."""

from types import SimpleNamespace

import pytest
import torch

from ctt_net.training import config as config_module
from ctt_net.training import trainer as precision
from ctt_net.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("cuda", "native", "mps", "cpu", "accelerator", "expected"),
    [
        (True, True, False, False, "auto", "bf16-mixed"),
        (True, False, False, True, "gpu", "16-mixed"),
        (True, True, False, False, "cpu", "32-true"),
        (False, False, True, True, "auto", "32-true"),
        (False, False, False, True, "auto", "bf16-mixed"),
        (False, False, False, False, "auto", "32-true"),
    ],
)
def test_auto_takes_what_the_device_is_good_at(
    monkeypatch, cuda, native, mps, cpu, accelerator, expected
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(precision, "cpu_has_bf16", lambda: cpu)
    assert precision.best_precision(accelerator) == expected


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [({"amx_bf16": True}, True), ({"avx512_bf16": False, "avx2": True}, False)],
)
def test_a_processor_is_asked_for_its_instructions(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert precision.cpu_has_bf16() is expected


def test_the_resolved_precision_lands_in_the_config(tiny_network, tmp_path, monkeypatch):
    monkeypatch.setattr(config_module, "best_precision", lambda accelerator: f"bf16-{accelerator}")
    keys = [*tiny_network, "--data.cohort", str(tmp_path), "--trainer.precision", "auto"]
    assert TrainingConfig(keys).config.trainer.precision == "bf16-cpu"


@pytest.mark.parametrize(
    ("device", "kind", "has", "warned"),
    [
        ("cpu", "bf16-mixed", False, True),
        ("cpu", "bf16-mixed", True, False),
        ("cpu", "32-true", False, False),
        ("cuda", "bf16-mixed", False, False),
    ],
)
def test_emulated_bfloat16_is_warned_of(monkeypatch, caplog, device, kind, has, warned):
    monkeypatch.setattr(precision, "cpu_has_bf16", lambda: has)
    strategy = SimpleNamespace(root_device=torch.device(device))
    precision.warn_of_slow_precision(SimpleNamespace(strategy=strategy, precision=kind))
    assert ("32-true" in caplog.text) is warned
