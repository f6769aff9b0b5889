"""Eyes as a torch dataset over scans that are already decoded."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, DistributedSampler

from ctt_net.cohort import Direction, outcome_bounds
from ctt_net.data.augmentation import ScanAugmenter
from ctt_net.data.scans import Scans
from ctt_net.types import EyeBatch, EyeSample


class EpochSampler(DistributedSampler):
    """Yields (epoch, index), so that augmentation knows the epoch in every worker.

    The trainer calls `set_epoch`; a plain attribute of the dataset would stay at 0 in workers that
    live on.
    """

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((self.epoch, index) for index in super().__iter__())


class EyeDataset(Dataset[tuple[int, EyeSample]]):
    """One item = one eye and its row in the table.

    Args:
        table: Rows to serve, columns as in a cohort table.
        positions: Row of each in `scans`.
        scans: All decoded scans of the cohort.
        augmenter: For training; None serves scans as they are.
        covariates: (n, F) of the same rows; None where a network takes none.
        directions: Of each view, for the augmenter.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        positions: Sequence[int],
        scans: Scans,
        augmenter: ScanAugmenter | None = None,
        covariates: NDArray[np.float32] | None = None,
        directions: Sequence[Direction] = (),
    ) -> None:
        self.positions = np.asarray(positions, dtype=np.int64)
        self.scans = scans
        self.augmenter = augmenter
        self._directions = tuple(directions) or ("horizontal",) * scans.present.shape[1]
        self._covariates = covariates
        self._eye_ids = table["eye_id"].tolist()
        self._preop: NDArray[np.float32] = table["preop_logmar"].to_numpy(np.float32)
        self._bounds: NDArray[np.float32] = np.stack(outcome_bounds(table), 1).astype(np.float32)

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, key: int | tuple[int, int]) -> tuple[int, EyeSample]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        position = int(self.positions[index])
        present = self.scans.present[position]
        views = self.scans.pixels[position]
        if self.augmenter is not None:
            views = np.stack(
                [
                    self.augmenter(
                        bscan, epoch=epoch, position=position, view=view, direction=direction
                    )
                    if present[view]
                    else bscan
                    for view, (bscan, direction) in enumerate(
                        zip(views, self._directions, strict=True)
                    )
                ]
            )
        sample = EyeSample(
            eye_id=self._eye_ids[index],
            views=views,
            view_present=present,
            preop_logmar=float(self._preop[index]),
            postop_lower_logmar=float(self._bounds[index, 0]),
            postop_upper_logmar=float(self._bounds[index, 1]),
            covariates=None if self._covariates is None else self._covariates[index],
        )
        return index, sample


def collate_eyes(items: Sequence[tuple[int, EyeSample]]) -> EyeBatch:
    """Stack samples into a batch."""
    positions, samples = zip(*items, strict=True)
    return EyeBatch(
        views=torch.from_numpy(np.stack([sample.views for sample in samples])[:, :, None]),
        view_present=torch.from_numpy(np.stack([sample.view_present for sample in samples])),
        preop_logmar=torch.tensor([sample.preop_logmar for sample in samples]),
        postop_lower_logmar=torch.tensor([sample.postop_lower_logmar for sample in samples]),
        postop_upper_logmar=torch.tensor([sample.postop_upper_logmar for sample in samples]),
        position=torch.tensor(positions),
        covariates=torch.tensor(np.stack([_covariates(sample) for sample in samples])),
    )


def _covariates(sample: EyeSample) -> NDArray[np.float32]:
    return np.zeros(0, np.float32) if sample.covariates is None else sample.covariates
