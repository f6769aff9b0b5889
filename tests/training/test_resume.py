"""A training that breaks off: what stays, what goes on, and what stands in the way."""

import shutil

import pandas as pd
import pytest
import torch
from filelock import FileLock

from ctt_net.errors import InputError
from ctt_net.losses import JointLoss
from ctt_net.training.fit import resumable
from ctt_net.training.module import AcuityModule
from ctt_net.training.run import train

pytestmark = pytest.mark.usefixtures("traced_once")


@pytest.fixture(scope="module")
def keys(small_cohort, tiny_network):
    return [
        *tiny_network, "--data.cohort", str(small_cohort), "--folds", "1",
        "--trainer.max_epochs", "4",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def cut_off(keys, made_once):
    """A run that was stopped at the start of its third epoch; read-only."""

    def stop(module):
        if module.current_epoch == 2:
            raise KeyboardInterrupt

    def make(out):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(AcuityModule, "on_train_epoch_start", stop, raising=False)
            with pytest.raises(KeyboardInterrupt):
                train([*keys, "--out", str(out)])

    return made_once("cut_off_run", make)


@pytest.fixture
def run(cut_off, tmp_path):
    return shutil.copytree(cut_off, tmp_path / "cut_off_run")


@pytest.mark.slow
def test_a_resumed_fold_keeps_the_log_of_the_epochs_before(run, keys):
    log = run / "fold_1/metrics.csv"
    before = pd.read_csv(log)
    assert set(before["epoch"]) == {0, 1}
    # Rows of an epoch that was not finished, and of a line cut short by a kill.
    log.write_text(log.read_text() + "2,9,9,,9,9,9\n2,9,9,4,9,9,9\n2,9")
    train([*keys, "--out", str(run), "--resume", "true"])
    after = pd.read_csv(log)
    pd.testing.assert_frame_equal(after.iloc[: len(before)], before)
    for column in ("train/loss", "val/mae"):
        assert after.dropna(subset=column)["epoch"].tolist() == [0, 1, 2, 3]
    assert (after[["train/loss", "val/mae"]].max() < 9).all()
    assert not (run / ".lock").exists()
    # The best epoch is that of the whole training, in this copy of its folder.
    place = run / "fold_1/checkpoints"
    state = torch.load(place / "last.ckpt", weights_only=True)["callbacks"]
    (best,) = (one for key, one in state.items() if "selection/mae" in key)  # as 0.1 had it
    assert best["best_model_path"] == str((place / "best.ckpt").resolve())
    assert float(best["best_model_score"]) == pytest.approx(after["val/mae"].min())
    assert "resume: false" in (run / "config.yaml").read_text()


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
    checkpoint, steps = resumable(run / "fold_1")
    assert checkpoint == best
    assert steps > 0
    damage(best)
    with pytest.raises(InputError, match=f"delete {best.parent} and"):
        resumable(run / "fold_1")
    shutil.rmtree(best.parent)
    assert resumable(run / "fold_1") == (None, 0)


def test_a_second_training_in_a_folder_is_refused_until_the_first_ends(run, keys):
    resume = [*keys, "--out", str(run), "--resume", "true", "--trainer.max_epochs", "2"]
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with (
        FileLock(run / ".lock"),
        pytest.raises(InputError, match="another process is training in this folder"),
    ):
        train([*keys, "--out", str(run), "--resume", "true"])
    assert {path: path.read_bytes() for path in before} == before
    # A file that a killed process left behind holds no lock.
    (run / ".lock").touch()
    with pytest.raises(InputError, match=r"began with trainer\.max_epochs: 4, and it is 2 now"):
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
