"""A simulated cohort in two parts: one to learn from, one to choose the checkpoint by."""

from functools import cached_property
from typing import Any

import pandas as pd

from ctt_net.cohort import Cohort, fold_rows, make_folds, read_cohort, val_rows
from ctt_net.data.module import EyeDataModule, Part
from ctt_net.data.subset import fewer_eyes
from ctt_net.training.pretrain.targets import Lesions, check_synthetic, read_targets


class PretrainDataModule(EyeDataModule):
    """Serves simulated eyes; what is measured on them is no result, so no fold is kept for it.

    Args:
        kwargs: As of `EyeDataModule`, without folds.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fold=1, n_folds=2, fold_seed=None, **kwargs)

    @cached_property
    def cohort(self) -> Cohort:
        """The checked cohort, with a truth beside it."""
        cohort = read_cohort(self.folder)
        check_synthetic(cohort)
        return cohort

    @cached_property
    def targets(self) -> Lesions:
        """The truth of every row of the cohort."""
        return read_targets(self.cohort)

    @cached_property
    def parts(self) -> pd.Series:
        """`selection` or `train` of every eye in use, by its row in the cohort's table."""
        table, val = fold_rows(self.cohort.table), val_rows(self.cohort.table)
        if self.training_eyes is not None:
            table = fewer_eyes(table, self.training_eyes, self.seed)
        if len(val):
            self._check_enough(val)
            train = pd.Series("train", index=table.index)
            return pd.concat([train, pd.Series("selection", index=val.index)])
        pieces = max(2, round(1 / self.selection_fraction))
        piece = make_folds(table, pieces, self.seed).reindex(table["eye_id"]).to_numpy()
        return pd.Series(piece, index=table.index).map(
            lambda number: "selection" if number == 1 else "train"
        )

    def part(self, part: Part) -> pd.DataFrame:
        """Rows of one part; nothing is reported on."""
        return self.cohort.table.loc[self.parts.index[self.parts == part]]

    def targets_of(self, part: Part) -> Lesions:
        """The truth of one part, in its order."""
        return self.targets.of(self.cohort.table.index.get_indexer(self.part(part).index))
