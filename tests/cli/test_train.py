"""`ctt-net train` refuses what cannot be trained."""

import pandas as pd
import pytest


def test_an_unknown_config_key_is_named(small_cohort, tmp_path, tiny_network, fails):
    said = fails(
        "train", *tiny_network, "--data.cohort", small_cohort,
        "--out", tmp_path / "run", "--model.learning_rte", "0.1",
    )  # fmt: skip
    assert "learning_rte" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_broken_scan_stops_before_training(cohort, tmp_path, tiny_network, fails):
    (cohort / pd.read_csv(cohort / "manifest.csv")["vertical"][3]).write_bytes(b"\x89PNG")
    said = fails("train", *tiny_network, "--data.cohort", cohort, "--out", tmp_path / "run")
    assert "row 5, column vertical" in said


def test_a_cohort_that_is_not_there(tmp_path, tiny_network, fails):
    said = fails(
        "train", *tiny_network, "--data.cohort", tmp_path / "no",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert "no such folder" in said
