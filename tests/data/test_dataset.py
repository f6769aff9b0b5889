"""Eyes one by one, their batches, and the sampler that tells the epoch."""

import numpy as np
import pytest
import torch
from torch.utils.data import DistributedSampler

from ctt_net.data.augmentation import Augmentation, ScanAugmenter
from ctt_net.data.dataset import EpochSampler, EyeDataset, collate_eyes
from ctt_net.data.scans import Scans


@pytest.fixture
def scans():
    """Five eyes of two views; the second view of eye 3 is absent."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(1, 256, (5, 2, 16, 24), dtype=np.uint8)
    present = np.ones((5, 2), dtype=bool)
    present[3, 1] = False
    pixels[~present] = 0
    return Scans(pixels, present, np.where(present, 0.5, np.nan))


POSITIONS = [4, 3, 0]


def test_an_item_is_the_eye_of_its_row(table, scans):
    dataset = EyeDataset(table, POSITIONS, scans)
    assert len(dataset) == 3
    for index, position in enumerate(POSITIONS):
        row, sample = dataset[index]
        assert row == index
        assert sample.eye_id == table["eye_id"][index]
        assert np.array_equal(sample.views, scans.pixels[position])
        assert sample.views.dtype == np.uint8
        assert np.array_equal(sample.view_present, scans.present[position])
        np.testing.assert_allclose(sample.preop_logmar, table["preop_logmar"][index], rtol=1e-6)
        np.testing.assert_allclose(
            sample.postop_lower_logmar, table["postop_logmar"][index], rtol=1e-6
        )


def test_augmentation_changes_scans_and_never_labels_masks_or_the_store(table, scans):
    before = scans.pixels.copy()
    plain = EyeDataset(table, POSITIONS, scans)
    changed = EyeDataset(table, POSITIONS, scans, ScanAugmenter(Augmentation(), seed=0))
    for index in range(3):
        _, ours = plain[index]
        _, theirs = changed[(5, index)]
        assert not np.array_equal(ours.views, theirs.views)
        assert np.array_equal(ours.view_present, theirs.view_present)
        assert ours.eye_id == theirs.eye_id
        np.testing.assert_equal(ours.preop_logmar, theirs.preop_logmar)
        np.testing.assert_equal(ours.postop_upper_logmar, theirs.postop_upper_logmar)
    assert np.array_equal(scans.pixels, before)


def test_an_absent_view_stays_zero_under_augmentation(table, scans):
    dataset = EyeDataset(table, POSITIONS, scans, ScanAugmenter(Augmentation(), seed=0))
    for epoch in range(5):
        assert not dataset[(epoch, 1)][1].views[1].any()


def test_views_epochs_and_eyes_draw_of_their_own(table):
    """The same picture everywhere: only the draws can differ."""
    picture = np.random.default_rng(1).integers(0, 256, (32, 48), dtype=np.uint8)
    pixels = np.broadcast_to(picture, (3, 2, 32, 48)).copy()
    scans = Scans(pixels, np.ones((3, 2), bool), np.ones((3, 2)))
    dataset = EyeDataset(table, [0, 1, 2], scans, ScanAugmenter(Augmentation(), seed=0))
    draws = {
        view.tobytes()
        for epoch in range(4)
        for index in range(3)
        for view in dataset[(epoch, index)][1].views
    }
    assert len(draws) >= 4 * 3 * 2 - 2


def test_a_batch_has_the_axes_and_types_of_the_legend(table, scans):
    dataset = EyeDataset(table, POSITIONS, scans)
    batch = collate_eyes([dataset[i] for i in (2, 0, 1)])
    assert batch.views.shape == (3, 2, 1, 16, 24)
    assert batch.views.dtype == torch.uint8
    assert batch.view_present.dtype == torch.bool
    assert batch.view_present.tolist() == [[True, True], [True, True], [True, False]]
    assert batch.preop_logmar.dtype == batch.postop_logmar.dtype == torch.float32
    assert batch.preop_logmar.isnan().tolist() == [False, False, True]
    assert batch.postop_logmar.isnan().tolist() == [True, False, False]
    assert batch.position.tolist() == [2, 0, 1]
    assert torch.equal(batch.views[1, :, 0], torch.from_numpy(scans.pixels[4]))


@pytest.mark.parametrize("epoch", [0, 1, 7])
@pytest.mark.parametrize("world", [1, 2])
def test_the_sampler_deals_as_torchs_own_and_tells_the_epoch(epoch, world):
    parts = []
    for rank in range(world):
        arguments = {"num_replicas": world, "rank": rank, "seed": 3}
        ours, theirs = (
            EpochSampler(range(20), **arguments),
            DistributedSampler(range(20), **arguments),
        )
        ours.set_epoch(epoch)
        theirs.set_epoch(epoch)
        assert list(ours) == [(epoch, index) for index in theirs]
        parts.append({index for _, index in ours})
    assert set.union(*parts) == set(range(20))
    assert sum(map(len, parts)) == 20


def test_the_order_changes_from_epoch_to_epoch():
    sampler = EpochSampler(range(20), num_replicas=1, rank=0, seed=3)
    orders = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        orders.append(tuple(index for _, index in sampler))
    assert len(set(orders)) == 3
