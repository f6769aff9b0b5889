"""A bundle of the small run."""

import shutil

import pandas as pd
import pytest


@pytest.fixture(scope="session")
def bundle(small_run, made_once):
    """Both folds of the small run as a bundle; read-only for tests."""
    from ctt_net.export.monai_bundle.write import write_bundle

    return made_once("small_bundle", lambda out: write_bundle(small_run, out))


@pytest.fixture
def patient(other_cohort, tmp_path):
    """A patient's folder, with the acuity in it."""
    row = pd.read_csv(other_cohort / "manifest.csv", dtype=str).iloc[0]
    folder = tmp_path / "patient_1"
    folder.mkdir()
    for view in ("horizontal", "vertical"):
        shutil.copy(other_cohort / row[view], folder / f"{row['laterality']}_{view}.png")
    facts = f"notation: decimal\npreop_va: {{{row['laterality']}: '{row['preop_va']}'}}\n"
    (folder / "patient.yaml").write_text(facts)
    return folder
