"""Augmentation: safe for OCT, strict about its arguments, and the same for the same name."""

from collections import Counter
from dataclasses import replace
from typing import get_args

import albumentations as A  # noqa: N812
import cv2
import numpy as np
import pytest

from ctt_net.cohort import Direction
from ctt_net.data.augmentation import Augmentation, ScanAugmenter, Shadow, strict
from ctt_net.errors import InputError

STRONGEST = Augmentation(shadow=1.0, blur=1.0)
NOTHING = Augmentation(
    rotate_deg=0, shift=0, scale=0, brightness=0, gamma=0, speckle=0, blur=0, shadow=0,
    mirror_vertical=0,
)  # fmt: skip


def marked_scan(height=128, width=192):
    """Dark above, a thin bright layer, a broad grey one with a mark on its left."""
    scan = np.full((height, width), 8, dtype=np.uint8)
    scan[50:56] = 200
    scan[56:100] = 90
    scan[70:84, 40:60] = 255
    return scan


def augmented(augmenter, n=60, scan=None):
    scan = marked_scan() if scan is None else scan
    return [augmenter(scan, epoch=0, position=i, view=0) for i in range(n)]


def test_a_scan_stays_a_grey_scan_of_its_size():
    for result in augmented(ScanAugmenter(STRONGEST, seed=0)):
        assert result.dtype == np.uint8
        assert result.shape == (128, 192)


def test_a_scan_that_comes_in_is_left_as_it_is():
    scan = marked_scan()
    augmented(ScanAugmenter(STRONGEST, seed=0), scan=scan)
    assert np.array_equal(scan, marked_scan())


def test_up_stays_up_and_left_stays_left():
    """No flip and no half turn: nasal and temporal, vitreous and choroid keep their sides."""
    for result in augmented(ScanAugmenter(Augmentation(), seed=0), n=200):
        smooth = cv2.blur(result.astype(np.float32), (15, 15))
        _, column = np.unravel_index(smooth.argmax(), smooth.shape)
        assert column < 85, "the mark is on the left"
        profile = result[:, 100:150].astype(float).mean(axis=1)
        layer = int(profile[10:100].argmax()) + 10
        above, below = profile[layer - 25 : layer - 10], profile[layer + 10 : layer + 25]
        assert above.mean() < below.mean(), "the dark vitreous is above the layer"


def test_only_vertical_scans_are_mirrored_and_as_often_as_asked():
    """Above and below the fovea are nearly alike; nasal and temporal are not."""
    augmenter = ScanAugmenter(replace(NOTHING, mirror_vertical=0.5), seed=0)
    mirrored = {}
    for direction in get_args(Direction):
        results = [
            augmenter(marked_scan(), epoch=0, position=i, view=0, direction=direction)
            for i in range(200)
        ]
        on_the_right = [float(r[70:84, 132:152].mean()) > 200 for r in results]
        mirrored[direction] = sum(on_the_right)
    assert mirrored["horizontal"] == mirrored["oblique"] == 0
    assert 70 < mirrored["vertical"] < 130  # four standard deviations of 200 tosses


def test_a_layer_keeps_its_thickness_within_the_allowed_magnification():
    strength = Augmentation(speckle=0, blur=0, shadow=0, brightness=0, gamma=0)
    scan = np.zeros((128, 192), dtype=np.uint8)
    scan[44:84] = 200
    for result in augmented(ScanAugmenter(strength, seed=0), n=100, scan=scan):
        thickness = (result[:, 96] > 100).sum()
        assert 40 * (1 - strength.scale) - 1.5 <= thickness <= 40 * (1 + strength.scale) + 1.5


def test_magnification_is_the_same_in_depth_and_width():
    strength = Augmentation(
        rotate_deg=0, shift=0, scale=0.3, brightness=0, gamma=0, speckle=0, blur=0, shadow=0
    )
    scan = np.zeros((128, 192), dtype=np.uint8)
    scan[34:94, 66:126] = 200
    for result in augmented(ScanAugmenter(strength, seed=0), n=40, scan=scan):
        deep, wide = (result > 100).any(axis=1).sum(), (result > 100).any(axis=0).sum()
        assert abs(int(deep) - int(wide)) <= 2


def test_no_strength_changes_nothing_but_a_grey_level_of_rounding():
    for result in augmented(ScanAugmenter(NOTHING, seed=0), n=20):
        np.testing.assert_allclose(result.astype(int), marked_scan(), atol=1)


def test_the_same_name_gives_the_same_scan_whatever_came_before():
    first, second = ScanAugmenter(Augmentation(), seed=0), ScanAugmenter(Augmentation(), seed=0)
    augmented(second, n=5)
    name = {"epoch": 3, "position": 17, "view": 1}
    assert np.array_equal(first(marked_scan(), **name), second(marked_scan(), **name))


@pytest.mark.parametrize("changed", ["epoch", "position", "view", "seed"])
def test_another_name_gives_another_scan(changed):
    name = {"seed": 0, "epoch": 0, "position": 0, "view": 0}
    results = set()
    for number in range(20):
        this = {**name, changed: number}
        augmenter = ScanAugmenter(Augmentation(), this.pop("seed"))
        results.add(augmenter(marked_scan(), **this).tobytes())
    assert len(results) > 15  # a few draw nothing at all


def test_the_global_random_streams_are_neither_used_nor_moved():
    augmenter = ScanAugmenter(Augmentation(), seed=0)
    np.random.seed(1)  # noqa: NPY002
    first = augmented(augmenter, n=5)
    after = np.random.rand()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert np.random.rand() == after  # noqa: NPY002
    assert all(map(np.array_equal, first, augmented(augmenter, n=5)))


def test_trap_transforms_draw_independently_of_each_other():
    """Compose.set_random_seed gives each of its transforms one and the same stream."""
    augmenter = ScanAugmenter(Augmentation(), seed=0)
    applied = []
    inner = augmenter._transform["vertical"]
    inner.save_applied_params = True

    class Recorder:
        def __call__(self, image):
            result = inner(image=image)
            applied.append([name for name, _ in result["applied_transforms"]])
            return result

        def set_random_state(self, *states):
            inner.set_random_state(*states)

    augmenter._transform["horizontal"] = Recorder()
    augmented(augmenter, n=800, scan=marked_scan(32, 48))
    count = Counter(name for names in applied for name in names)
    pairs = Counter()
    for names in applied:
        pairs.update((a, b) for a in names for b in names if a < b)
    for (a, b), both in pairs.items():
        expected = count[a] * count[b] / len(applied)
        spread = np.sqrt(expected)
        assert abs(both - expected) < 4 * spread, f"{a} and {b} come together too often"
    assert len(count) == 7


def test_trap_unknown_arguments_of_albumentations_are_refused():
    """It only warns of them, and adds noise at its default of a fifth of full range."""
    with pytest.raises(TypeError, match="GaussNoise has no argument var_limit"):
        strict(A.GaussNoise, var_limit=(10, 50))
    assert isinstance(strict(A.GaussNoise, std_range=(0.02, 0.06)), A.GaussNoise)


@pytest.mark.parametrize(
    ("name", "value"),
    [("rotate_deg", 180.0), ("shift", -0.1), ("speckle", 2.0), ("blur", float("nan"))],
)
def test_a_strength_beyond_reason_is_refused_by_key(name, value):
    with pytest.raises(InputError, match=rf"data\.augmentation\.{name} must lie in 0\.\."):
        Augmentation(**{name: value})


def test_a_shadow_dims_columns_over_all_depths_and_brightens_nothing():
    scan = np.full((40, 60), 200, dtype=np.uint8)
    for seed in range(10):
        transform = Shadow(p=1.0)
        transform.set_random_seed(seed)
        result = transform(image=scan)["image"]
        assert (result == result[:1]).all(), "a column is dimmed alike over all depths"
        assert result.max() <= 200
        assert 30 < result.min() < 170
