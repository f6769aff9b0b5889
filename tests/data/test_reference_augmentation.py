"""The published augmentation does what it says to grey scans, the same way for the same seed."""

import numpy as np
import pytest

from ctt_net.data.augmentation import ReferenceAugmentation, ScanAugmenter
from ctt_net.errors import InputError

NOTHING = {"flip": 0.0, "rotate_deg": 0.0, "jitter": 0.0, "jitter_probability": 0.0}


def scans(n, **strengths):
    """One scan, augmented n times."""
    bscan = np.zeros((32, 48), np.uint8)
    bscan[4:8, 6:30] = 120  # neither its own mirror image nor its own half turn
    augment = ScanAugmenter(ReferenceAugmentation(**{**NOTHING, **strengths}), seed=0)
    return bscan, [augment(bscan, epoch=0, position=i, view=0) for i in range(n)]


def test_no_strength_changes_nothing():
    bscan, changed = scans(5)
    assert all(np.array_equal(bscan, each) for each in changed)


def test_flips_come_in_four_kinds_about_equally_often():
    bscan, changed = scans(400, flip=0.5)
    kinds = [bscan, bscan[::-1], bscan[:, ::-1], bscan[::-1, ::-1]]
    counts = [sum(np.array_equal(kind, each) for each in changed) for kind in kinds]
    assert sum(counts) == 400
    assert min(counts) > 65  # 100 expected, four standard deviations are 35


def test_rotations_reach_all_quadrants():
    _, changed = scans(200, rotate_deg=180.0)
    places = [np.argwhere(each > 60).mean(axis=0) - (15.5, 23.5) for each in changed]
    angles = np.degrees([np.arctan2(y, x) for y, x in places])
    counts, _ = np.histogram(angles, bins=4, range=(-180, 180))
    assert min(counts) > 20


def test_light_changes_by_its_factor_and_as_often_as_it_says():
    bscan, changed = scans(300, jitter=0.4, jitter_probability=0.8)
    same = sum(np.array_equal(bscan, each) for each in changed)
    assert 30 < same < 95  # 60 expected, of which the finest changes round to nothing
    brightest = np.array([each.max() for each in changed])
    # Brightness and contrast both, by a factor of 0.6 to 1.4 at most: 120 * 0.36 to 120 * 1.96.
    assert 43 <= brightest.min() < 75
    assert 160 < brightest.max() <= 236


def test_the_same_scan_is_changed_the_same_way():
    _, once = scans(10, flip=0.5, rotate_deg=180.0, jitter=0.4, jitter_probability=0.8)
    _, again = scans(10, flip=0.5, rotate_deg=180.0, jitter=0.4, jitter_probability=0.8)
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
    assert all(each.dtype == np.uint8 and each.shape == (32, 48) for each in once)


def test_a_strength_out_of_range_is_refused_by_key():
    with pytest.raises(InputError, match=r"data\.augmentation\.rotate_deg must lie in 0\.\.180"):
        ReferenceAugmentation(rotate_deg=270.0)
