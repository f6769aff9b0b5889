"""Switches and fixtures that every test shares."""

import os
from pathlib import Path

# Before any import of the libraries they silence: no hub, no version check, no tracker, and one
# thread each, since two OpenMP threads beside a busy neighbour are slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("WANDB_MODE", "offline")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real scans and tables; they may not be redistributed, so most have none."""
    place = os.environ.get("CTT_NET_REAL_DATA", str(REPOSITORY.parent / "shared" / "data"))
    if not Path(place).is_dir():
        pytest.skip("no real samples here; set CTT_NET_REAL_DATA to a folder of them")
    return Path(place)


@pytest.fixture(scope="session")
def small_cohort(tmp_path_factory) -> Path:
    """Sixty simulated eyes in a cohort folder; read-only for tests."""
    from ctt_net.phantom import CohortPlan, simulate_cohort

    folder = tmp_path_factory.mktemp("cohorts") / "small"
    simulate_cohort(folder, CohortPlan(n_eyes=60, seed=5))
    return folder


@pytest.fixture(scope="session")
def other_cohort(tmp_path_factory) -> Path:
    """Twenty simulated eyes of other patients."""
    from ctt_net.phantom import CohortPlan, simulate_cohort

    folder = tmp_path_factory.mktemp("cohorts") / "other"
    simulate_cohort(folder, CohortPlan(n_eyes=20, seed=6))
    return folder


@pytest.fixture(scope="session")
def tiny_network() -> list[str]:
    """Command-line keys that make the default config small enough for a test."""
    return [
        "--config", str(REPOSITORY / "configs/ctt_net.yaml"),
        "--data.preprocessing.height", "64",
        "--data.preprocessing.width", "96",
        "--model.backbone.init_args.widths", "[4,8,8]",
        "--model.backbone.init_args.columns", "3",
        "--model.fusion.init_args.dim", "16",
        "--trainer.max_epochs", "2",
        "--trainer.accelerator", "cpu",
        "--trainer.enable_progress_bar", "false",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def small_run(small_cohort, tiny_network, tmp_path_factory) -> Path:
    """A run of two folds on the small cohort; read-only for tests."""
    from ctt_net.training.run import train

    out = tmp_path_factory.mktemp("runs") / "small"
    keys = ["--data.cohort", str(small_cohort), "--folds", "[1,2]", "--out", str(out)]
    return train([*tiny_network, *keys]).folder
