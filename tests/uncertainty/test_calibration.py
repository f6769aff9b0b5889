"""calibration.json: what it keeps, what it refuses, and what it promises in words."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ctt_net.errors import InputError
from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.uncertainty.calibration import (
    OUT_OF_FOLD,
    VALIDATION,
    Calibration,
    calibration_eyes,
    calibration_warnings,
    drawn_eyes,
    guarantee,
)


@pytest.fixture
def table():
    """Three patients, one of them with two eyes; the last outcome is unknown."""
    return pd.DataFrame(
        {
            "eye_id": ["a-od", "a-os", "b-od", "c-os", "d-od"],
            "patient_id": ["a", "a", "b", "c", "d"],
            "preop_logmar": [0.2, 0.4, np.nan, 2.3, 0.6],
            "postop_logmar": [0.1, 0.1, 0.3, 0.5, np.nan],
            "preop_off_chart": ["", "", "", "HM", ""],
        }
    )


def eyes_of(table, scale=0.1):
    n = len(table)
    logit = np.tile([1.0, -1.0], (n, 1))
    return calibration_eyes(table, np.full(n, 0.2), np.full(n, scale), logit, DEFAULT_OUTCOMES)


def test_one_eye_of_each_patient_of_known_outcome_counts(table):
    eyes = eyes_of(table)
    assert len(eyes) == 3
    assert set(eyes.index) < set(table["eye_id"])
    assert eyes.loc["b-od", "error_in_scales"] == pytest.approx((0.2 - 0.3) / 0.1)
    assert eyes.loc["b-od", "band"] == "unknown"
    assert eyes.loc["c-os", "band"] == "off the chart"
    assert np.isnan(eyes.loc["b-od", "recovered_gains_0.20"])
    assert eyes.loc["c-os", "recovered_reaches_0.30"] == 0
    assert eyes.loc["c-os", "recovered_gains_0.20"] == 1


def test_the_draw_depends_on_no_one_else_and_prefers_no_side(table):
    pairs = pd.DataFrame(
        {"eye": [f"p{i}-{side}" for i in range(400) for side in ("od", "os")]}
    ).assign(patient=np.repeat(np.arange(400), 2))
    drawn = drawn_eyes(pairs["eye"], pairs["patient"])
    shuffled = pairs.sample(frac=1, random_state=0)
    assert set(drawn) == set(drawn_eyes(shuffled["eye"], shuffled["patient"]))
    few = pairs[pairs["patient"] < 50]
    assert set(drawn_eyes(few["eye"], few["patient"])) <= set(drawn)
    # 400 throws of a coin: 3 standard deviations are 30.
    assert 170 <= sum(eye.endswith("od") for eye in drawn) <= 230


def test_it_reads_back_what_it_wrote_and_keeps_no_id(table, tmp_path):
    found = Calibration.measure(eyes_of(table), DEFAULT_OUTCOMES, OUT_OF_FOLD)
    found.write(tmp_path)
    assert Calibration.read(tmp_path) == found
    text = (tmp_path / "calibration.json").read_text()
    assert not any(name in text for name in [*table["eye_id"], '"a"', '"b"'])
    assert json.loads(text)["n_patients"] == 3


def test_a_file_of_an_older_version_says_how_to_calibrate_anew(tmp_path):
    old = {"level": 0.9, "factor": 2.5, "n_patients": 40, "measured_on": "validation split"}
    (tmp_path / "calibration.json").write_text(json.dumps(old))
    with pytest.raises(InputError, match=r"version 1.*--resume true"):
        Calibration.read(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{", ""),
        ('"level": 0.9', '"level": 1.9'),
        ('"members": 1', '"members": 0'),
        ('"error_correlation": 1.0', '"error_correlation": 1.5'),
        ('"slope": 1.0', '"slope": 0.0'),
        ('"unknown": [', '"dim": ['),
    ],
)
def test_a_damaged_file_is_named(table, tmp_path, old, new):
    Calibration.measure(eyes_of(table), DEFAULT_OUTCOMES, OUT_OF_FOLD).write(tmp_path)
    path = tmp_path / "calibration.json"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=r"calibration\.json: damaged"):
        Calibration.read(tmp_path)


def test_the_promise_names_its_ground_and_its_end(table):
    measured = {
        on: Calibration.measure(eyes_of(table), DEFAULT_OUTCOMES, on)
        for on in (OUT_OF_FOLD, VALIDATION, "cohort elsewhere")
    }
    measured = {on: replace(one, level=0.5) for on, one in measured.items()}
    alone = guarantee([measured[OUT_OF_FOLD]], "home")
    assert "at least 50% of the eyes of patients like those of the cohort 'home'" in alone
    assert "calibrated on 3 patients" in alone
    together = guarantee([measured[OUT_OF_FOLD]] * 5, "home")
    assert "about 50%" in together
    assert "15 patients" in together
    assert "validation split" in guarantee([measured[VALIDATION]], "home")
    moved = guarantee([measured["cohort elsewhere"]], "home")
    assert "cohort elsewhere" in moved
    assert "home" not in moved
    for words in (alone, together, moved):
        assert "no guarantee for other patients" in words


def test_too_few_patients_for_the_level_are_said(table):
    few = Calibration.measure(eyes_of(table), DEFAULT_OUTCOMES, OUT_OF_FOLD)
    (warning,) = calibration_warnings([few])
    assert "3 patients, too few for a guarantee of 90%" in warning
    # One sentence from one place: no other promises what this one withdraws.
    assert guarantee([few], "home") == warning
    assert calibration_warnings([few] * 3) == []  # 9 are enough: ceil(10 * 0.9) = 9
