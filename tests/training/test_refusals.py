"""What Lightning refuses ends with a message; a fault of the program stays one."""

import pytest
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException

from ctt_net.errors import InputError
from ctt_net.training.config import TrainingConfig
from ctt_net.training.trainer import lightning_errors

SLURM = {
    "SLURM_JOB_ID": "1", "SLURM_NTASKS": "8", "SLURM_JOB_NAME": "train", "SLURM_NNODES": "1",
    "SLURM_NODEID": "0", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODELIST": "n1",
}  # fmt: skip


def build(tiny_network, small_cohort, tmp_path, *keys):
    arguments = [*tiny_network, "--data.cohort", str(small_cohort), *keys]
    TrainingConfig(arguments).build(1, tmp_path / "run/fold_1")


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("accelerator", "cuda", "accelerator"),
        ("accelerator", "abacus", "abacus"),
        ("strategy", "dpp", "dpp"),
        ("strategy", "fsdp", "fsdp"),
        ("devices", "two", "devices"),
        ("num_nodes", "0", "num_nodes"),
        ("gradient_clip_algorithm", "mean", "mean"),
        ("profiler", "nobody", "profiler"),
        ("max_epochs", "-7", "max_epochs"),
        ("precision", "transformer-engine", "transformer"),
    ],
)
def test_what_the_trainer_cannot_do_is_refused_in_a_line(
    tiny_network, small_cohort, tmp_path, monkeypatch, key, value, named
):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(InputError, match=rf"trainer: .*{named}") as caught:
        build(tiny_network, small_cohort, tmp_path, f"--trainer.{key}", value)
    assert "\n" not in str(caught.value)


def test_a_slurm_job_of_another_size_is_refused(tiny_network, small_cohort, tmp_path, monkeypatch):
    for name, value in SLURM.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="--ntasks-per-node=8"):
        build(tiny_network, small_cohort, tmp_path)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MisconfigurationException("no such\nmonitor"), "trainer: no such monitor"),
        (torch.OutOfMemoryError("CUDA: tried 2 GiB"), "lower data.batch_size"),
        (RuntimeError("DefaultCPUAllocator: not enough memory"), "lower data.batch_size"),
        (
            RuntimeError("DataLoader worker (pid 7) is killed by signal"),
            "data.num_workers",
        ),
        (MemoryError("Unable to allocate 9 GiB"), "Unable to allocate 9 GiB .out of memory; lower"),
        (InputError("row 3"), "^row 3$"),
    ],
)
def test_refusals_and_a_full_memory_become_input_errors(error, words):
    with pytest.raises(InputError, match=words), lightning_errors():
        raise error


@pytest.mark.parametrize("error", [ValueError("shape"), RuntimeError("dtype"), KeyError("view")])
def test_an_error_of_ours_stays_an_error(error):
    with pytest.raises(type(error)), lightning_errors():
        raise error
