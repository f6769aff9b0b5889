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
