"""What is shown of an epoch, on a terminal and off it."""

import logging
from types import SimpleNamespace

import pytest
import torch

from ctt_net.training.epoch_log import EpochBar, EpochLines, epoch_display


@pytest.mark.parametrize(
    ("terminal", "wanted", "shown"),
    [
        (True, True, [EpochBar, EpochLines]),
        (True, False, [EpochLines]),
        (False, True, [EpochLines]),
    ],
)
def test_a_bar_is_for_people_only(monkeypatch, terminal, wanted, shown):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    assert [type(one) for one in epoch_display(wanted)] == shown


def test_epochs_count_from_one_up_to_their_number(capsys):
    trainer = SimpleNamespace(
        is_global_zero=True,
        current_epoch=29,
        max_epochs=30,
        callback_metrics={"train/loss": torch.tensor(0.25), "train/recovery": torch.tensor(1.0)},
        progress_bar_metrics={"train/loss": 0.25},
    )
    lines = EpochLines(logging.INFO)
    lines.on_train_epoch_start(trainer, None)
    lines.on_train_epoch_end(trainer, None)
    said = capsys.readouterr().err
    assert said.startswith("epoch 30 of 30: train loss 0.2500, 0.")
    assert said.count("\n") == 1
    bar = EpochBar()
    bar._trainer = trainer
    assert bar._get_train_description(29) == "epoch 30 of 30"
