"""Parts of the audit by themselves: partners, masks, names, what is outside the retina."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.audit.marks import MARKS
from ctt_net.audit.masks import retina_rows
from ctt_net.audit.metadata import name_pattern, one_hot
from ctt_net.audit.outcome_leaks import _AFTER
from ctt_net.audit.permutation import partners
from ctt_net.audit.scan_files import SIZE, outside
from tests.audit.stand_in import HEIGHT, WIDTH, draw_scan

EYE = {"device": "one", "lens": 0.1, "lesion": 0.2}


@pytest.mark.parametrize("seed", range(5))
def test_scans_are_exchanged_within_the_band_and_never_within_a_patient(seed):
    rng = np.random.default_rng(seed)
    patients = rng.integers(0, 12, 40).astype(str)
    band = rng.choice(["low", "high"], 40)
    source = partners(band, patients, seed)
    assert (band[source] == band).all()
    moved = source != np.arange(40)
    assert (patients[source] != patients)[moved].all()
    assert moved.mean() > 0.9


def test_a_patient_alone_in_a_band_keeps_the_scans():
    source = partners(np.array(["a", "a", "b"]), np.array(["p", "p", "q"]), 0)
    assert source.tolist() == [0, 1, 2]


def test_rows_of_the_retina_hold_it_in_every_scan():
    rng = np.random.default_rng(0)
    scans = np.stack([draw_scan(EYE, rng) for _ in range(20)])
    top, bottom = retina_rows(scans)
    assert 20 < top < 52  # the band is drawn over rows 52 to 80, give or take its tilt
    assert 84 < bottom < 122


def test_outside_holds_a_corner_mark_and_no_retina():
    scan = draw_scan(EYE, np.random.default_rng(1))
    before = outside(scan)
    assert before.shape == (SIZE[1], SIZE[0])
    middle = before[round(66 / HEIGHT * SIZE[1]), SIZE[0] // 2]
    assert middle == 0
    scan[3:9, 3:9] = 255
    difference = np.abs(outside(scan).astype(int) - before)
    row, column = np.unravel_index(difference.argmax(), difference.shape)
    assert row < 10
    assert column < 10 * SIZE[0] / WIDTH + 1


def test_a_picture_without_a_retina_says_nothing():
    noise = np.random.default_rng(2).integers(0, 40, (HEIGHT, WIDTH), dtype=np.uint8)
    assert not outside(noise).any()


def test_names_differ_by_their_way_of_naming_only():
    assert name_pattern("a/p12-3_OD.PNG") == name_pattern("a/q7-44_OS.png")
    assert name_pattern("a/p12.png") != name_pattern("b/p12.png")
    assert name_pattern("a/p12.png") != name_pattern("a/p12x.png")


def test_levels_of_few_patients_tell_the_patient_and_are_left_out():
    labels = pd.Series(["a"] * 4 + ["b"] * 4 + ["c"] * 4)
    patients = np.array([*"pqrs", *"tuvw", "x", "x", "y", "y"])
    assert one_hot(labels, patients).shape == (12, 2)
    assert one_hot(pd.Series(["a"] * 12), patients).shape == (12, 0)


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ("scans/postop/1_OD.png", True),
        ("1_OD_post.png", True),
        ("术后/1.png", True),
        ("Post-surgery_1.png", True),
        ("posterior_OD.png", False),
        ("compost/1.png", False),
        ("preop/1.png", False),
    ],
)
def test_names_of_postoperative_scans(path, after):
    assert bool(_AFTER.search(path)) is after


@pytest.mark.parametrize("name", MARKS)
def test_a_mark_changes_some_pixels_and_few(name):
    scan = draw_scan(EYE, np.random.default_rng(3))
    marked = scan.copy()
    MARKS[name](marked)
    assert 0 < (marked != scan).mean() < 0.05
