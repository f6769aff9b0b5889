"""A training that breaks off: what stays, what goes on, and what stands in the way."""

import os
import shutil
import signal

import pandas as pd
import pytest
import torch
from filelock import FileLock

from ctt_net.cli import main
from ctt_net.errors import InputError
from ctt_net.losses import JointLoss
from ctt_net.training.fit import resumable
from ctt_net.training.module import AcuityModule
from ctt_net.training.run import train

pytestmark = pytest.mark.usefixtures("traced_once")


@pytest.fixture(scope="module")
def keys(small_cohort, tiny_network):
    """Of a run that is `small_run` in its first fold."""
    return [*tiny_network, "--data.cohort", str(small_cohort), "--folds", "1"]


def killed(keys, out, after):
    """Fork a training that ends itself (SIGKILL) at some batch; how it ended."""

    def kill(module, batch, index):
        if (module.current_epoch, index) == after:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if not child:
        try:
            AcuityModule.on_train_batch_start = kill
            train([*keys, "--out", str(out), "--resume", "true"])
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture(scope="module")
def cut_off(keys, made_once):
    """A run that was killed in its first epoch, and again in its second; read-only."""
    if not hasattr(os, "fork"):
        pytest.skip("kills a fork of itself")

    def make(out):
        for after in ((0, 1), (1, 1)):
            assert killed(keys, out, after) == -signal.SIGKILL

    return made_once("cut_off_run", make)


@pytest.fixture
def run(cut_off, tmp_path):
    return shutil.copytree(cut_off, tmp_path / "cut_off_run")


def test_a_killed_and_resumed_training_ends_as_one_that_was_left_alone(run, keys, small_run):
    stray = run / "fold_1/checkpoints/.last.ckpt.x.tmp"
    stray.write_text("cut off")
    os.utime(stray, (0, 0))
    (run / "fold_1/metrics.csv").write_text("epoch,step\n7,9\n8,")
    train([*keys, "--out", str(run), "--resume", "true"])
    for name in ("metrics.csv", "model/model.safetensors", "model/baselines.json"):
        whole = small_run / "fold_1" / name
        assert (run / "fold_1" / name).read_bytes() == whole.read_bytes(), name
    names = [
        {path.relative_to(one / "fold_1") for path in (one / "fold_1").rglob("*")}
        for one in (run, small_run)
    ]
    assert names[0] == names[1]
    assert not (run / ".lock").exists()
    # The best epoch is that of the whole training, in this copy of its folder.
    log = pd.read_csv(run / "fold_1/metrics.csv")
    assert log["epoch"].tolist() == [0, 1]
    place = run / "fold_1/checkpoints"
    state = torch.load(place / "last.ckpt", weights_only=True)["callbacks"]
    (best,) = (one for key, one in state.items() if "selection/mae" in key)  # as 0.1 had it
    assert best["best_model_path"] == str((place / "best.ckpt").resolve())
    assert float(best["best_model_score"]) == pytest.approx(log["val/mae"].min())
    assert "resume: false" in (run / "config.yaml").read_text()
    said = (run / "train.log").read_text()
    assert said.count("fold 1: training") == 3
    assert said.count("epoch 2 of 2: ") == 1
    assert said.endswith(" done\n")


def test_a_resumed_training_with_loader_processes_takes_the_eyes_of_its_epoch(run, keys, small_run):
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("num_workers: 0", "num_workers: 2"))
    train([*keys, "--out", str(run), "--resume", "true", "--data.num_workers", "2"])
    log, whole = ((one / "fold_1/metrics.csv").read_bytes() for one in (run, small_run))
    assert log == whole


def test_a_training_of_steps_that_was_killed_begins_anew_and_ends_the_same(
    keys, tmp_path, monkeypatch
):
    if not hasattr(os, "fork"):
        pytest.skip("kills a fork of itself")
    monkeypatch.setattr("ctt_net.training.run._report", lambda *_: None)
    steps = ["--trainer.max_epochs=-1", "--trainer.max_steps=4", "--trainer.val_check_interval=1"]
    keys = [*keys, *steps, "--trainer.check_val_every_n_epoch=null"]
    runs = tmp_path / "whole", tmp_path / "cut_off"
    assert killed(keys, runs[1], (1, 0)) == -signal.SIGKILL
    for out in runs:
        train([*keys, "--out", str(out), "--resume", "true"])
    for name in ("metrics.csv", "model/model.safetensors"):
        whole, resumed = ((out / "fold_1" / name).read_bytes() for out in runs)
        assert whole == resumed


def test_an_early_stop_stays_one(keys, tmp_path, monkeypatch):
    monkeypatch.setattr("ctt_net.training.run._report", lambda *_: None)
    stop = "{class_path: EarlyStopping, init_args: {monitor: val/mae, patience: 1, min_delta: 9}}"
    keys = [*keys, "--trainer.max_epochs=9", f"--trainer.callbacks=[{stop}]"]
    keys += ["--out", str(tmp_path / "run"), "--resume", "true"]
    log = tmp_path / "run/fold_1/metrics.csv"

    def full_disk(*_):
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr("ctt_net.training.fold._export", full_disk)
        with pytest.raises(OSError, match="no space"):
            train(keys)
    assert len(pd.read_csv(log)) == 2
    train(keys)
    assert len(pd.read_csv(log)) == 2


def test_sigterm_stops_a_training_with_a_message(run, keys, monkeypatch, capsys):
    def terminate(module, batch, index):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(AcuityModule, "on_train_batch_start", terminate)
    assert main(["train", *keys, "--out", str(run), "--resume", "true"]) == 143
    assert "stopped by SIGTERM; what was finished is kept" in capsys.readouterr().err
    assert "stopped by SIGTERM; --resume true continues" in (run / "train.log").read_text()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert resumable(run / "fold_1") == run / "fold_1/checkpoints/last.ckpt"


def cut_short(path):
    path.write_bytes(path.read_bytes()[:1000])


def emptied(path):
    path.write_bytes(b"")


def altered(path):
    """As a failing disk does: the same length, other bytes amid the weights."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(255 - byte for byte in content[middle : middle + 64])
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut_short, emptied, altered])
def test_a_damaged_checkpoint_is_named_with_what_to_do(run, keys, damage):
    last, best = (run / "fold_1/checkpoints" / name for name in ("last.ckpt", "best.ckpt"))
    damage(last)
    with pytest.raises(InputError) as caught:
        train([*keys, "--out", str(run), "--resume", "true"])
    assert f"{last}: the checkpoint is missing or damaged" in str(caught.value)
    assert f"delete {last} and resume" in str(caught.value)
    last.unlink()  # as it says
    assert resumable(run / "fold_1") == best
    damage(best)
    with pytest.raises(InputError, match=f"delete {best.parent} and"):
        resumable(run / "fold_1")
    shutil.rmtree(best.parent)
    assert resumable(run / "fold_1") is None


def test_a_second_training_in_a_folder_is_refused_until_the_first_ends(run, keys):
    resume = [*keys, "--out", str(run), "--resume", "true", "--trainer.max_epochs", "3"]
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with (
        FileLock(run / ".lock"),
        pytest.raises(InputError, match="another process is training in this folder"),
    ):
        train([*keys, "--out", str(run), "--resume", "true"])
    assert {path: path.read_bytes() for path in before} == before
    # A file that a killed process left behind holds no lock.
    (run / ".lock").touch()
    with pytest.raises(InputError, match=r"began with trainer\.max_epochs: 2, and it is 3 now"):
        train(resume)


def test_a_start_that_failed_before_its_first_epoch_is_no_run(run, keys):
    for path in run.rglob("*.ckpt"):
        path.unlink()
    with pytest.raises(InputError, match="training loss is nan in epoch 1"):
        train([*keys, "--out", str(run), "--model.learning_rate", "1e30"])
    assert "1.0e+30" in (run / "config.yaml").read_text()


@pytest.mark.parametrize("validating", [True, False])
def test_a_loss_that_is_no_number_says_what_to_change(keys, tmp_path, monkeypatch, validating):
    loss = JointLoss.forward

    def broken(self, prediction, batch, head):
        parts = loss(self, prediction, batch, head)
        if torch.is_grad_enabled() == validating:
            return parts
        return parts._replace(total=parts.total * torch.nan)

    monkeypatch.setattr(JointLoss, "forward", broken)
    part = "validation" if validating else "training"
    with pytest.raises(InputError) as caught:
        train([*keys, "--out", str(tmp_path / "run"), "--trainer.precision", "bf16-mixed"])
    assert f"the {part} loss is nan in epoch 1" in str(caught.value)
    assert "model.learning_rate (now 0.002)" in str(caught.value)
    assert "trainer.precision to 32-true (now bf16-mixed)" in str(caught.value)
