"""Split-conformal intervals against the formula written out, and their coverage in simulation."""

import math

import numpy as np
import pytest

from ctt_net.errors import InputError
from ctt_net.model_folder import Calibration


def test_the_factor_is_the_corrected_quantile_of_one_score_per_patient():
    error = np.array([0.1, -0.3, 0.2, 0.05, -0.4, 0.6])
    scale = np.array([0.1, 0.1, 0.2, 0.1, 0.2, 0.1])
    patient = np.array(["a", "a", "b", "c", "d", "e"])
    worst = sorted([3.0, 1.0, 0.5, 2.0, 6.0])  # larger of both eyes for patient a
    rank = math.ceil((5 + 1) * 0.6)
    found = Calibration.measure(error, scale, patient, level=0.6)
    assert found.factor == pytest.approx(worst[rank - 1])
    assert found.n_patients == 5


def test_too_few_patients_for_the_level_give_a_wider_interval_than_any_seen():
    found = Calibration.measure(
        np.array([0.1, 0.2]), np.array([0.1, 0.1]), np.array(["a", "b"]), level=0.9
    )
    assert found.factor == pytest.approx(4.0)


def test_coverage_on_new_patients_holds_the_level():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        scale = rng.uniform(0.05, 0.3, 400)
        error = rng.laplace(0, scale)
        patient = np.arange(100).astype(str)
        found = Calibration.measure(error[:100], scale[:100], patient, level=0.9)
        covered.append(np.mean(np.abs(error[100:]) <= found.factor * scale[100:]))
    assert 0.89 < np.mean(covered) < 0.92


def test_it_reads_back_what_it_wrote(tmp_path):
    found = Calibration(level=0.9, factor=2.5, n_patients=40, measured_on="a test")
    found.write(tmp_path)
    assert Calibration.read(tmp_path) == found


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "calibration.json").write_text("{")
    with pytest.raises(InputError, match=r"calibration\.json"):
        Calibration.read(tmp_path)
