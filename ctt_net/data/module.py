"""The Lightning data module: one cohort, one fold, three parts that share no patient."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold
from torch.utils.data import DataLoader, Dataset

from ctt_net.cohort import (
    Cohort,
    Covariate,
    exactly_known,
    fold_rows,
    make_folds,
    read_cohort,
    strata,
    val_rows,
)
from ctt_net.cohort.ids import one_spelling
from ctt_net.data.augmentation import Augmentation, ReferenceAugmentation, ScanAugmenter
from ctt_net.data.covariates import (
    Chosen,
    choose_covariates,
    covariate_levels,
    covariate_values,
)
from ctt_net.data.dataset import EpochSampler, EyeDataset, collate_eyes
from ctt_net.data.scans import Progress, Scans, load_scans
from ctt_net.errors import InputError
from ctt_net.imaging import Preprocessing

Part = Literal["train", "val", "test"]

EYES_AT_ONCE = 2000  # whose scans are copied into memory

# Fewer choose a checkpoint by chance.
MIN_VAL_PATIENTS = 5

DEFAULT_PREPROCESSING = Preprocessing()
DEFAULT_AUGMENTATION = Augmentation()


class EyeDataModule(pl.LightningDataModule):
    """Serves a cohort's eyes in batches.

    For the chosen fold the eyes fall in three parts, no patient in two: `test`, the fold itself, is
    reported and used once; `val`, a validation split of the rest, selects the checkpoint; `train`
    is what remains. Where the manifest marks eyes as `split` val, they are the validation split of
    every fold.

    Args:
        cohort: Cohort folder.
        fold: Test fold, from 1.
        n_folds: Folds to make if the cohort folder holds no folds.csv.
        fold_seed: Make the folds anew by this seed, whatever folds.csv says; null takes those that
            are there. Several seeds make repeated folds.
        training_eyes: For learning curves: of the eyes outside the fold only so many are used, the
            validation split among them; null takes all.
        val_fraction: Part of the other folds' eyes that selects the checkpoint; the nearest
            of 1/2, 1/3, 1/4 ... is taken. Unused where the manifest has eyes of `split` val.
        batch_size: Eyes per step and device.
        num_workers: Loader processes; scans are decoded already, so few are needed. The numbers do
            not depend on it.
        seed: Folds, order and augmentation; in a config it is `seed_everything`.
        preprocessing: Scan file to network input.
        augmentation: Of training scans; null switches it off.
        scan_cache: Folder where prepared scans are kept for the next command that reads them; null
            = as the environment variable CTT_NET_SCAN_CACHE says, and none if that is not set.
        covariates: Which of the cohort's covariates go to the network, if it takes any: `all`, or a
            list of names.
    """

    def __init__(
        self,
        cohort: str,
        fold: int = 1,
        n_folds: int = 5,
        val_fraction: float = 0.15,
        batch_size: int = 16,
        num_workers: int = 0,
        seed: int = 0,
        preprocessing: Preprocessing = DEFAULT_PREPROCESSING,
        augmentation: Augmentation | ReferenceAugmentation | None = DEFAULT_AUGMENTATION,
        fold_seed: int | None = None,
        training_eyes: int | None = None,
        covariates: Chosen = "all",
        scan_cache: str | None = None,
    ) -> None:
        super().__init__()
        if not 0 < val_fraction <= 0.5:
            raise InputError(
                f"data.val_fraction must lie above 0 and up to 0.5, got {val_fraction}"
            )
        if batch_size < 2:
            raise InputError(f"data.batch_size must be 2 or more, got {batch_size}")
        if num_workers < 0:
            raise InputError(f"data.num_workers must be 0 or more, got {num_workers}")
        self.folder = cohort
        self.fold = fold
        self.n_folds = n_folds
        self.val_fraction = val_fraction
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self.preprocessing = preprocessing
        self.augmentation = augmentation
        self.fold_seed = fold_seed
        self.training_eyes = training_eyes
        self.chosen_covariates = covariates
        self.scan_cache = scan_cache
        self.progress: Progress | None = None
        self.epochs_done = 0  # of a training that is resumed
        self._val_masks: dict[int, np.ndarray] = {}  # by fold

    @cached_property
    def cohort(self) -> Cohort:
        """The checked cohort; reads its tables at first use."""
        return read_cohort(self.folder)

    @cached_property
    def scans(self) -> Scans:
        """Its decoded scans; reads every file at first use, and once only."""
        cache = None if self.scan_cache is None else Path(self.scan_cache)
        return load_scans(self.cohort, self.preprocessing, self.progress, cache)

    @cached_property
    def folds(self) -> pd.Series:
        """Fold of every development eye, indexed by eye_id."""
        if self.fold_seed is not None:
            return make_folds(self.cohort.table, self.n_folds, self.fold_seed)
        return self.cohort.folds(self.n_folds, self.seed)

    @property
    def num_views(self) -> int:
        """Views an eye of this cohort can have."""
        return len(self.cohort.spec.views)

    @property
    def covariates(self) -> dict[str, Covariate]:
        """Covariates in the network's order.

        Raises:
            InputError: If one is chosen that the cohort does not declare.
        """
        declared = self.cohort.spec.covariates
        return choose_covariates(declared, self.chosen_covariates, self.folder)

    @property
    def covariate_levels(self) -> list[int]:
        """Number of levels of each covariate, 0 for a number."""
        return covariate_levels(self.covariates)

    def covariate_values(self, table: pd.DataFrame) -> np.ndarray:
        """Covariates of some rows of the cohort's table: (E, F), NaN = unknown."""
        return covariate_values(table, self.covariates)

    def part(self, part: Part) -> pd.DataFrame:
        """Rows of one part of the chosen fold.

        Raises:
            InputError: If there is no such fold.
        """
        numbers = sorted(self.folds.unique())
        if self.fold not in numbers:
            raise InputError(
                f"data.fold: {self.fold} does not exist; {self.folder} has folds "
                f"{numbers[0]} to {numbers[-1]}"
            )
        table, val = fold_rows(self.cohort.table), val_rows(self.cohort.table)
        test = (table["eye_id"].map(self.folds) == self.fold).to_numpy(bool)
        if part == "test":
            return table[test]
        rest = table[~test]
        if self.training_eyes is not None:
            rest = fewer_eyes(rest, self.training_eyes, self.seed)
        if len(val):
            self._check_enough(val)
            return val if part == "val" else rest
        if self.fold not in self._val_masks:  # to split 80,000 patients takes eleven seconds
            self._val_masks[self.fold] = self._val_mask(rest)
        chosen = self._val_masks[self.fold]
        return rest[chosen] if part == "val" else rest[~chosen]

    def _check_enough(self, val: pd.DataFrame) -> None:
        val = exactly_known(val)
        patients = val["patient_id"].nunique()
        if patients < MIN_VAL_PATIENTS:
            raise InputError(
                f"{self.folder}: {len(val)} eyes of {patients} patients with an exactly known "
                f"outcome stand as split val, too few to choose a checkpoint; mark "
                f"{MIN_VAL_PATIENTS} patients or more, or empty those cells of the column split: "
                f"data.val_fraction then sets eyes aside"
            )

    def _val_mask(self, rest: pd.DataFrame) -> np.ndarray:
        """Mask of the validation split: grouped, stratified, the same for any order of rows."""
        pieces = max(2, round(1 / self.val_fraction))
        order = np.argsort(rest["eye_id"].to_numpy(str), kind="stable")
        ordered = rest.iloc[order]
        patient = one_spelling(ordered["patient_id"])
        patients = patient[exactly_known(ordered).index].nunique()
        if patients < 2 * pieces:
            raise InputError(
                f"{self.folder}: {patients} patients outside fold {self.fold} are too few to set a "
                f"validation split of {self.val_fraction:g} aside"
            )
        splitter = StratifiedGroupKFold(n_splits=pieces, shuffle=True, random_state=self.seed)
        labels = pd.factorize(strata(ordered, pieces))[0]
        # Strata smaller than the number of pieces go in with the largest: splitting them is noise.
        counts = np.bincount(labels)
        labels = np.where(counts[labels] < pieces, counts.argmax(), labels)
        _, members = next(splitter.split(ordered, labels, patient))
        mask = np.zeros(len(rest), dtype=bool)
        mask[order[members]] = True
        return mask

    def positions(self, table: pd.DataFrame) -> NDArray[np.intp]:
        """Where some rows of the cohort's table are in `scans`."""
        return np.asarray(self.cohort.table.index.get_indexer(table.index))

    def scans_of(self, table: pd.DataFrame) -> Scans:
        """Scans of some rows of the cohort's table, in memory."""
        return self.scans.of(self.positions(table))

    def in_parts(self, table: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, Scans]]:
        """Rows and their scans, some thousand eyes at a time: all may be more than memory holds."""
        for start in range(0, max(len(table), 1), EYES_AT_ONCE):
            part = table.iloc[start : start + EYES_AT_ONCE]
            yield part, self.scans_of(part)

    def share(self, other: "EyeDataModule") -> None:
        """Take over what another module of the same run has read already."""
        self.cohort, self.scans, self.folds = other.cohort, other.scans, other.folds
        self._val_masks = other._val_masks

    def dataset(self, part: Part) -> EyeDataset:
        """One part as a dataset; only the training part is augmented."""
        table = self.part(part)
        augmenter = None
        if part == "train" and self.augmentation is not None:
            augmenter = ScanAugmenter(self.augmentation, self.seed)
        covariates = self.covariate_values(table)
        directions = [view.direction for view in self.cohort.spec.views.values()]
        positions = self.positions(table).tolist()
        return EyeDataset(table, positions, self.scans, augmenter, covariates, directions)

    def train_dataloader(self) -> DataLoader:
        """Shuffled, augmented, in full batches."""
        dataset = self.dataset("train")
        rank, world = self._place()
        sampler = EpochSampler(dataset, num_replicas=world, rank=rank, seed=self.seed)
        # Lightning sets it only once the loader's processes have begun (its #21938).
        sampler.set_epoch(self.epochs_done)
        # A last batch of one eye has no variance to normalise by.
        small = len(dataset) < self.batch_size * world
        return self._loader(dataset, sampler=sampler, drop_last=not small)

    def val_dataloader(self) -> DataLoader:
        """The validation split."""
        return self._loader(self.dataset("val"))

    def _place(self) -> tuple[int, int]:
        trainer = self.trainer
        return (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)

    def _loader(
        self, dataset: Dataset, sampler: EpochSampler | None = None, drop_last: bool = False
    ) -> DataLoader:
        return DataLoader(
            dataset,
            batch_size=self.batch_size,
            sampler=sampler,
            drop_last=drop_last,
            num_workers=self.num_workers,
            # Of its own: drawing from the global stream would tie dropout to the number of workers.
            generator=torch.Generator().manual_seed(self.seed),
            persistent_workers=self.num_workers > 0,
            # Pinned memory is copied while the device computes.
            pin_memory=self.trainer is not None
            and self.trainer.strategy.root_device.type == "cuda",
            collate_fn=collate_eyes,
        )


def fewer_eyes(table: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Take patients in a random order until the eyes are enough.

    Fewer eyes of the same seed are among more of them, and nothing but the patients and the seed
    decides, so that two networks compared at one size learn from the same eyes.

    Args:
        table: Rows of a cohort.
        count: Eyes wanted; one more comes if the last patient has two.
        seed: Of the order.

    Returns:
        Some rows of `table`, in its order.

    Raises:
        InputError: If there are not so many.
    """
    if count > len(table):
        raise InputError(
            f"data.training_eyes: {count} eyes are wanted and {len(table)} lie outside the fold; "
            f"ask for at most {len(table)}, or leave it out to take all"
        )
    patients = np.random.default_rng(seed).permutation(np.unique(table["patient_id"].to_numpy(str)))
    eyes = table["patient_id"].value_counts()
    reached = np.cumsum([eyes[patient] for patient in patients])
    taken = patients[: int(np.searchsorted(reached, count)) + 1]
    return table[table["patient_id"].isin(taken)]
