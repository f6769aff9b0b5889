"""A simulated cohort in two parts: one to learn from, one to choose the checkpoint by."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ctt_net.cohort import Cohort, fold_rows, make_folds, read_cohort, val_rows
from ctt_net.cohort.folder import TRUTH_FILE
from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.data.module import EyeDataModule, Part, fewer_eyes
from ctt_net.errors import InputError
from ctt_net.synthetic import KINDS

# A line of the chart, what costs and errors count in.
LINE_LOGMAR = 0.1

CROSSED_BY = {"horizontal": ("horizontal", "both"), "vertical": ("vertical", "both")}


class Lesions(NamedTuple):
    """Of E eyes in V views about the L kinds of lesion, in the order of `KINDS`.

    Arrays or tensors; as truth, or as a network reads them.

    Args:
        presence: (E, V, L) 1 where this line of scan crosses a lesion of the kind, else 0; of a
            network its logit.
        view_cost: (E, V, L) logMAR that the lesions of the kind which it crosses take.
        cost: (E, L) logMAR that all lesions of the kind take, whatever crosses them.
        potential: (E,) retinal potential, logMAR.
    """

    presence: Any
    view_cost: Any
    cost: Any
    potential: Any

    def of(self, rows: Any) -> "Lesions":
        """Some eyes only."""
        return Lesions(*(part[rows] for part in self))


def check_synthetic(cohort: Cohort) -> None:
    """Refuse a cohort whose truth is not known.

    Raises:
        InputError: If it is not declared as simulated, or holds no truth.
    """
    make = (
        "make one: python datasets/synthetic/prepare.py data/synthetic_pretraining "
        "--eyes 5000 --seed 7"
    )
    if not cohort.spec.synthetic:
        raise InputError(
            f"{cohort.root}: not a simulated cohort (cohort.yaml does not say synthetic: true), so "
            f"nobody knows its lesions; {make}"
        )
    if not (cohort.root / TRUTH_FILE).is_file():
        raise InputError(f"{cohort.root / TRUTH_FILE}: no such file; {make}")


def read_targets(cohort: Cohort) -> Lesions:
    """Read `truth.csv` of a simulated cohort.

    Args:
        cohort: Simulated; its views are horizontal and vertical lines through the fovea.

    Returns:
        Targets in the order of `cohort.table` and of `cohort.spec.views`.

    Raises:
        InputError: If the cohort is none, an eye is missing, or a row cannot be read.
    """
    check_synthetic(cohort)
    path = cohort.root / TRUTH_FILE
    crossing = []
    for name, view in cohort.spec.views.items():
        if view.direction not in CROSSED_BY:
            raise InputError(
                f"{cohort.root}: view {name!r} is {view.direction}, and {TRUTH_FILE} says what "
                f"horizontal and vertical lines cross only; leave it out of cohort.yaml"
            )
        crossing.append(CROSSED_BY[view.direction])
    potential = cohort.potential()
    truth = read_manifest_text(path)
    if potential is None or "lesions" not in truth:
        raise InputError(f"{path}: the column 'lesions' is missing; simulate anew")
    eyes = cohort.table["eye_id"]
    row_of = pd.Series(range(len(truth)), index=truth["eye_id"])
    unknown = sorted(set(eyes) - set(row_of.index))
    if unknown or row_of.index.has_duplicates:
        what = f"eye {unknown[0]!r} is missing" if unknown else "an eye stands twice"
        raise InputError(f"{path}: {what}; simulate anew")
    shape = (len(eyes), len(crossing), len(KINDS))
    presence, view_cost = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    cost = np.zeros((len(eyes), len(KINDS)), np.float32)
    for eye, row in enumerate(row_of[eyes]):
        for kind, seen_in, logmar in _lesions(truth["lesions"].iloc[row], path, truth.index[row]):
            cost[eye, kind] += logmar
            for number, words in enumerate(crossing):
                if seen_in in words:
                    presence[eye, number, kind] = 1
                    view_cost[eye, number, kind] += logmar
    return Lesions(presence, view_cost, cost, potential[eyes].to_numpy(np.float32))


def _lesions(text: str, path: Path, row: Any) -> list[tuple[int, str, float]]:
    """Number of the kind, which lines cross it, and cost of each lesion of one eye."""
    try:
        return [
            (KINDS.index(lesion["kind"]), str(lesion["seen_in"]), float(lesion["cost_logmar"]))
            for lesion in json.loads(text)
        ]
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path}, row {row}, column lesions: not what the simulator writes ({error}); "
            f"simulate anew"
        ) from None


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
        """`val` or `train` of every eye in use, by its row in the cohort's table."""
        table, val = fold_rows(self.cohort.table), val_rows(self.cohort.table)
        if self.training_eyes is not None:
            table = fewer_eyes(table, self.training_eyes, self.seed)
        if len(val):
            self._check_enough(val)
            train = pd.Series("train", index=table.index)
            return pd.concat([train, pd.Series("val", index=val.index)])
        pieces = max(2, round(1 / self.val_fraction))
        piece = make_folds(table, pieces, self.seed).reindex(table["eye_id"]).to_numpy()
        return pd.Series(piece, index=table.index).map(
            lambda number: "val" if number == 1 else "train"
        )

    def part(self, part: Part) -> pd.DataFrame:
        """Rows of one part; nothing is reported on."""
        return self.cohort.table.loc[self.parts.index[self.parts == part]]

    def targets_of(self, part: Part) -> Lesions:
        """The truth of one part, in its order."""
        return self.targets.of(self.positions(self.part(part)))
