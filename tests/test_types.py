"""The types that every layer shares."""

import subprocess
import sys
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from pytorch_lightning.utilities import move_data_to_device

from ctt_net.types import EyeBatch, EyeSample


def test_a_batch_moves_to_a_device_as_a_whole():
    batch = EyeBatch(*(torch.zeros(2) for _ in EyeBatch._fields))
    moved = move_data_to_device(batch, torch.device("meta"))
    assert isinstance(moved, EyeBatch)
    assert all(part.device.type == "meta" for part in moved)


def test_an_eye_cannot_be_changed_and_its_outcome_may_be_unknown():
    sample = EyeSample("e1", np.zeros((2, 4, 4), np.uint8), np.ones(2, bool), preop_logmar=0.5)
    assert np.isnan([sample.postop_lower_logmar, sample.postop_upper_logmar]).all()
    with pytest.raises(FrozenInstanceError):
        sample.preop_logmar = 0.1


def test_the_shared_types_import_neither_torch_nor_numpy(repository):
    code = "import sys, ctt_net.types; print({'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
