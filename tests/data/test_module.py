"""The data module: three parts that share no patient, and batches that depend on the seed alone."""

import shutil

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch

from ctt_net.data import scans as scans_room
from ctt_net.data.augmentation import Augmentation
from ctt_net.errors import InputError

PARTS = ("train", "val", "test")


def members(data, part, column="eye_id"):
    return set(data.part(part)[column])


@pytest.mark.parametrize("seed", range(6))
def test_no_patient_stands_in_two_parts_of_any_fold(data, seed):
    tested = []
    for fold in range(1, 6):
        module = data(fold=fold, seed=seed)
        parts = [members(module, part, "patient_id") for part in PARTS]
        assert all(parts)
        assert sum(map(len, parts)) == len(set.union(*parts)), "a patient stands in two parts"
        eyes = [members(module, part) for part in PARTS]
        assert set.union(*eyes) == {f"e{number:02d}" for number in range(45)}
        tested.append(eyes[2])
    assert len(set.union(*tested)) == sum(map(len, tested)) == 45


def test_eyes_set_aside_for_testing_or_of_unknown_outcome_are_in_no_part(data):
    module = data()
    assert not {"e45", "e46"} & set.union(*(members(module, part) for part in PARTS))


def test_the_validation_split_has_about_its_share_and_another_seed_another_one(data):
    splits = set()
    for seed in range(4):
        module = data(seed=seed, val_fraction=0.2)
        n = len(module.part("train")) + len(module.part("val"))
        assert 0.1 < len(module.part("val")) / n < 0.3
        splits.add(frozenset(members(module, "val")))
    assert len(splits) > 1


def test_the_parts_do_not_depend_on_the_order_of_rows(data, cohort_folder, tmp_path):
    root = shutil.copytree(cohort_folder, tmp_path / "cohort")
    manifest = pd.read_csv(root / "manifest.csv", dtype=str, keep_default_na=False)
    manifest.sample(frac=1, random_state=1).to_csv(root / "manifest.csv", index=False)
    for fold in (1, 4):
        ours, theirs = data(fold=fold), data(fold=fold)
        theirs.folder = str(root)
        for part in PARTS:
            assert members(ours, part) == members(theirs, part)


def marked_val(cohort_folder, root, patients):
    """A copy of the cohort whose first patients are of split val, and its folds dealt anew."""
    shutil.copytree(cohort_folder, root)
    (root / "folds.csv").unlink()
    manifest = pd.read_csv(root / "manifest.csv", dtype=str, keep_default_na=False)
    chosen = manifest["patient_id"].isin([f"p{number:02d}" for number in range(patients)])
    manifest.loc[chosen, "split"] = "val"
    manifest.to_csv(root / "manifest.csv", index=False)
    return set(manifest["eye_id"][chosen])


@pytest.mark.parametrize("arguments", [{}, {"fold_seed": 3}, {"training_eyes": 10}])
def test_eyes_of_split_val_choose_the_checkpoint_of_every_fold(
    data, cohort_folder, tmp_path, arguments
):
    val = marked_val(cohort_folder, tmp_path / "cohort", 6)
    tested = []
    for fold in range(1, 6):
        module = data(fold=fold, **arguments)
        module.folder = str(tmp_path / "cohort")
        assert members(module, "val") == val
        train = members(module, "train")
        assert train
        assert train.isdisjoint(val | members(module, "test"))
        tested += sorted(members(module, "test"))
    assert sorted([*tested, *val]) == [f"e{number:02d}" for number in range(45)]


def test_too_few_eyes_of_split_val_are_refused(data, cohort_folder, tmp_path):
    marked_val(cohort_folder, tmp_path / "cohort", 4)
    module = data()
    module.folder = str(tmp_path / "cohort")
    with pytest.raises(InputError, match=r"of 4 patients .* split val, too few"):
        module.part("train")


def test_without_a_folds_file_the_same_folds_are_dealt(data, cohort_folder, tmp_path):
    root = shutil.copytree(cohort_folder, tmp_path / "cohort")
    (root / "folds.csv").unlink()
    module = data()
    module.folder = str(root)
    assert members(module, "test") == members(data(), "test")


def test_labels_scans_and_eyes_keep_together_through_batches(data):
    module = data(augmentation=None)
    for part, loader in (
        ("val", module.val_dataloader()),
        ("train", module.train_dataloader()),
    ):
        table, seen = module.part(part), []
        for batch in loader:
            assert batch.views.dtype == torch.uint8
            for b, row in enumerate(batch.position.tolist()):
                eye = table.iloc[row]
                seen.append(eye["eye_id"])
                place = module.cohort.table["eye_id"].tolist().index(eye["eye_id"])
                assert np.array_equal(batch.views[b, :, 0], module.scans.pixels[place])
                assert np.array_equal(batch.view_present[b], module.scans.present[place])
                for time in ("preop_logmar", "postop_logmar"):
                    np.testing.assert_allclose(getattr(batch, time)[b], eye[time], rtol=1e-6)
        assert len(seen) == len(set(seen))
        if part != "train":
            assert seen == table["eye_id"].tolist()


def epochs_of(module, epochs=3):
    loader = module.train_dataloader()
    batches = []
    for epoch in range(epochs):
        loader.sampler.set_epoch(epoch)
        batches.append(list(loader))
    return batches


@pytest.fixture(scope="module")
def without_workers(cohort_folder):
    from ctt_net.data.module import EyeDataModule
    from ctt_net.imaging import Preprocessing

    small = Preprocessing(height=32, width=48, crop="none")
    module = EyeDataModule(str(cohort_folder), batch_size=8, preprocessing=small)
    return module, epochs_of(module)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_trap_batches_are_the_same_for_any_number_of_workers(data, without_workers, workers):
    """Albumentations gives every worker one stream, and repeats it every epoch."""
    first, expected = without_workers
    module = data(num_workers=workers)
    module.share(first)
    for ours, theirs in zip(expected, epochs_of(module), strict=True):
        assert len(ours) == len(theirs) > 1
        for one, other in zip(ours, theirs, strict=True):
            for x, y in zip(one, other, strict=True):
                assert torch.equal(x.nan_to_num(9), y.nan_to_num(9))


def test_trap_no_scan_is_augmented_twice_alike(without_workers):
    _, epochs = without_workers
    seen = {}
    for epoch, batches in enumerate(epochs):
        for batch in batches:
            for b, row in enumerate(batch.position.tolist()):
                seen.setdefault(row, []).append((epoch, batch.views[b, 0, 0].numpy().tobytes()))
    rows = [pictures for pictures in seen.values() if len(pictures) == 3]
    assert rows
    repeated = sum(len({picture for _, picture in pictures}) < 3 for pictures in rows)
    assert repeated <= 1


def test_another_seed_gives_other_batches(data, without_workers):
    module = data(seed=1)
    module.cohort, module.scans = without_workers[0].cohort, without_workers[0].scans
    assert not torch.equal(epochs_of(module, 1)[0][0].views, without_workers[1][0][0].views)


def test_drawing_batches_leaves_the_random_stream_of_the_run_alone(data, without_workers):
    module = data()
    module.share(without_workers[0])
    torch.manual_seed(4)
    expected = torch.rand(2)
    torch.manual_seed(4)
    epochs_of(module, 1)
    assert torch.equal(torch.rand(2), expected)


def test_a_second_epoch_decodes_nothing(data, monkeypatch):
    monkeypatch.delenv("CTT_NET_SCAN_CACHE")
    calls = []
    monkeypatch.setattr(
        scans_room,
        "read_macular_bscan",
        lambda path, read=scans_room.read_macular_bscan: (calls.append(path), read(path))[1],
    )
    module = data()
    epochs_of(module, 1)
    assert len(calls) == len(set(calls)) == len(scans_room.scan_tasks(module.cohort))
    epochs_of(module, 2)
    list(module.val_dataloader())
    assert len(calls) == len(set(calls))
    other = data(fold=2)
    other.share(module)
    epochs_of(other, 1)
    assert len(calls) == len(set(calls))


def test_a_part_smaller_than_a_batch_is_still_served(data):
    (batch,) = list(data(batch_size=512).train_dataloader())
    assert len(batch.position) == len(data().part("train"))


def test_full_batches_only_while_training(data):
    assert {len(batch.position) for batch in data(batch_size=7).train_dataloader()} == {7}


class Watcher(pl.LightningModule):
    """Writes down what a trainer serves it."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def training_step(self, batch, _):
        self.seen.append((self.current_epoch, batch.views.clone(), batch.position.clone()))
        return self.weight.sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_trap_the_trainer_tells_every_epoch_to_workers_that_live_on(
    data, without_workers, tmp_path
):
    for workers in (0, 2):
        module, watcher = data(num_workers=workers), Watcher()
        module.share(without_workers[0])
        pl.Trainer(
            max_epochs=3, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
        ).fit(watcher, datamodule=module)  # fmt: skip
        expected = [
            (epoch, batch.views, batch.position)
            for epoch, batches in enumerate(without_workers[1])
            for batch in batches
        ]
        assert [epoch for epoch, *_ in watcher.seen] == [epoch for epoch, *_ in expected]
        for (_, *ours), (_, *theirs) in zip(watcher.seen, expected, strict=True):
            assert all(map(torch.equal, ours, theirs))


def test_only_the_views_that_the_cohort_calls_vertical_are_mirrored(data):
    still = dict.fromkeys(
        ("rotate_deg", "shift", "scale", "brightness", "gamma", "speckle", "blur", "shadow"), 0.0
    )
    mirroring = data(augmentation=Augmentation(**still, mirror_vertical=1.0)).dataset("train")
    plain = data(augmentation=None).dataset("train")
    for index in range(len(plain)):
        views, present = plain[index][1].views, plain[index][1].view_present
        expected = np.stack([views[0], views[1][:, ::-1] if present[1] else views[1]])
        changed = mirroring[index][1].views  # no strength still rounds a grey level
        np.testing.assert_allclose(changed.astype(int), expected.astype(int), atol=1)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"val_fraction": 0.0}, r"data\.val_fraction must lie .* got 0\.0"),
        ({"val_fraction": 0.9}, r"data\.val_fraction must lie .* got 0\.9"),
        ({"batch_size": 1}, r"data\.batch_size must be 2 or more, got 1"),
        ({"num_workers": -1}, r"data\.num_workers must be 0 or more, got -1"),
    ],
)
def test_a_bad_argument_is_refused_by_key(data, argument, message):
    with pytest.raises(InputError, match=message):
        data(**argument)


def test_a_fold_that_does_not_exist_is_refused_with_those_that_do(data):
    with pytest.raises(InputError, match=r"data\.fold: 9 does not exist; .* folds 1 to 5"):
        data(fold=9).part("train")


def test_too_few_patients_for_a_validation_split_are_refused(data):
    with pytest.raises(InputError, match=r"patients outside fold 1 are too few"):
        data(val_fraction=0.05).part("train")


def test_nothing_is_read_before_it_is_needed(data):
    module = data()
    module.folder = "nowhere"
    with pytest.raises(InputError, match="nowhere"):
        module.part("train")
