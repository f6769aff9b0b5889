"""The learned generator's training on tiny pictures, and the control beside it."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from benchmarks.generator import training as module
from benchmarks.generator.data import halved, parts, read_real
from benchmarks.generator.looks import matched
from benchmarks.generator.training import Eyes, Training, translated
from ctt_net.errors import InputError
from ctt_net.training.segmentation.data import LabelledScans

SIDE = 64  # of a picture; the truth is twice as large


@pytest.fixture(scope="module")
def eyes():
    """Four eyes of nine flat surfaces; the inner retina is bright, all is noisy."""
    rng = np.random.default_rng(0)
    surfaces = np.linspace(40, 90, 9)[None, None, :, None] + rng.normal(0, 3, (4, 2, 1, 1))
    surfaces = np.broadcast_to(surfaces, (4, 2, 9, 2 * SIDE)).astype(np.float32)
    rows = 2 * np.arange(SIDE)[:, None] + 0.5
    inside = (rows >= surfaces[:, :, 0, None, ::2]) & (rows < surfaces[:, :, 7, None, ::2])
    views = 0.15 + 0.4 * inside + rng.normal(0, 0.1, inside.shape)
    return Eyes(
        torch.from_numpy(views.clip(0, 1).astype(np.float32)),
        torch.from_numpy(surfaces.copy()),
        torch.zeros(4, 2, 2 * SIDE, 2 * SIDE, dtype=torch.uint8),
        torch.ones(4, 2, 2 * SIDE, dtype=torch.bool),
    )


@pytest.fixture(scope="module")
def real():
    return np.random.default_rng(1).integers(0, 255, (6, SIDE, SIDE), dtype=np.uint8)


def advanced(eyes, real, seed, steps):
    training = Training(eyes, real, seed, batch_size=2)
    return training, [training.advance() for _ in range(steps)]


def test_generator_begins_as_the_identity_and_stays_in_shape_range_and_bound(eyes, real):
    training, _ = advanced(eyes, real, 0, 0)
    with torch.inference_mode():
        torch.testing.assert_close(eyes.translated(training.generator), eyes.views, rtol=0, atol=0)
        for weight in training.generator.parameters():
            weight.add_(torch.randn_like(weight))
        made = eyes.translated(training.generator)
    assert made.shape == eyes.views.shape
    assert made.min() >= 0.0
    assert made.max() <= 1.0
    change = (made - eyes.views).abs().max()
    assert 0.1 < change <= training.generator.bound + 1e-6
    again = translated(training.generator, eyes, seed=3)
    assert again.shape == (8, SIDE, SIDE)
    np.testing.assert_array_equal(again, translated(training.generator, eyes, seed=3))


@pytest.mark.slow
def test_labels_become_easier_to_read_when_only_they_count(eyes, real, monkeypatch):
    monkeypatch.setattr(module, "WEIGHTS", {"labels": 1.0})
    training, _ = advanced(eyes, real, 0, 0)
    before = training.labels_loss(eyes, eyes.views, side=0)
    for _ in range(8):
        training.advance()
    with torch.no_grad():
        after = training.labels_loss(eyes, eyes.translated(training.generator), side=0)
    assert after < 0.95 * before


@pytest.mark.slow
def test_resumed_training_equals_an_uninterrupted_one_and_another_seed_does_not(
    eyes, real, tmp_path
):
    whole, losses = advanced(eyes, real, 5, 4)
    first, start = advanced(eyes, real, 5, 2)
    first.save(tmp_path / "two.pt")
    resumed, _ = advanced(eyes, real, 6, 1)
    resumed.load(tmp_path / "two.pt")
    assert [*start, resumed.advance(), resumed.advance()] == losses
    assert resumed.step == 4
    for name, part in whole.parts.items():
        torch.testing.assert_close(
            resumed.parts[name].state_dict(), part.state_dict(), rtol=0, atol=0
        )
    assert advanced(eyes, real, 7, 1)[1] != losses[:1]


def test_views_are_asked_in_order_swapped_and_mixed(eyes, real):
    training, _ = advanced(eyes, real, 0, 0)
    asked = []
    training.views.register_forward_pre_hook(lambda _, given: asked.append(given[0]))
    _, answers = training.views.asked(eyes.views)
    assert answers.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    in_order, swapped, mixed = asked[0].split(4)
    assert torch.equal(in_order, eyes.views)
    assert torch.equal(swapped[:, 0], eyes.views[:, 1])
    assert torch.equal(mixed[:, 0], eyes.views[:, 0])
    assert torch.equal(mixed[1:, 1], eyes.views[:-1, 1])


def test_matched_pictures_have_the_greys_of_a_real_one_and_their_power():
    rng = np.random.default_rng(2)
    smooth = gaussian_filter(rng.normal(size=(5, 128, 192)), (0, 2, 2))
    smooth = (100 + 30 * smooth / smooth.std()).clip(0, 255).astype(np.uint8)
    noisy = rng.integers(0, 255, (7, 128, 192), dtype=np.uint8)
    made = matched(noisy, smooth, seed=0)
    greys = [np.sort(one, axis=None) for one in smooth]
    assert all(any(np.array_equal(np.sort(one, axis=None), own) for own in greys) for one in made)

    def fine(pictures):
        return np.mean(np.diff(pictures.astype(float), axis=2) ** 2 / pictures.var())

    assert fine(noisy) > 10 * fine(smooth)
    assert fine(made) == pytest.approx(fine(smooth), rel=0.3)


def test_truth_of_half_the_size_keeps_its_place():
    rows = np.full((1, 9, 384), 99.5, np.float16)  # between the rows 99 and 100 of 256
    bits = np.zeros((1, 256, 384), np.uint8)
    bits[0, 100:110, 200:220] = 0b100001
    scans = np.full((1, 256, 384), 7, np.uint8)
    half = halved(LabelledScans(scans, rows, bits, np.ones((1, 384), bool)))
    assert half.scans.shape == (1, 128, 192)
    assert np.all(half.surfaces == 49.5)
    expected = np.zeros((128, 192), np.uint8)
    expected[50:55, 100:110] = 0b100001
    np.testing.assert_array_equal(half.lesions[0], expected)


def test_real_eyes_are_halved_by_the_seed_and_their_absence_is_named(tmp_path):
    shown, held_out = parts(104, seed=0)
    assert sorted([*shown, *held_out]) == list(range(104))
    assert len(shown) == 52
    assert not np.array_equal(shown, parts(104, seed=1)[0])
    with pytest.raises(InputError, match=r"clinical_data\.csv: no such file"):
        read_real(tmp_path)
