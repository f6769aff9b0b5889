"""All folds of a run as an ensemble, or a single model; no torch."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.cohort import Covariate
from ctt_net.cohort.covariate import CovariateKind
from ctt_net.errors import InputError
from ctt_net.evaluation import Baselines, average_baselines
from ctt_net.model_folder.baselines import read_baselines
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.spec import SPEC_FILE, ModelSpec


@dataclass(frozen=True)
class Estimate:
    """What the ensemble says of E eyes.

    Args:
        postop_logmar: (E,) mean over the members.
        lower_logmar: (E,) lower end of the interval (better acuity).
        upper_logmar: (E,) upper end.
        p_recovery: (E, K), NaN where an outcome needs a preop acuity that is unknown.
    """

    postop_logmar: NDArray[np.float64]
    lower_logmar: NDArray[np.float64]
    upper_logmar: NDArray[np.float64]
    p_recovery: NDArray[np.float64]


class Predictor:
    """All members of a run, or a single model.

    Args:
        members: At least one, all with the same views, covariates, preprocessing and outcomes.

    Raises:
        InputError: If they do not fit together.
    """

    def __init__(self, members: list[Member]) -> None:
        first = members[0].spec
        for member in members[1:]:
            if _doors(member.spec) != _doors(first):
                raise InputError(
                    f"{member.folder} differs from {members[0].folder} in views, covariates, "
                    f"preprocessing or outcomes; they are no ensemble"
                )
        self.members = members
        self.spec = first
        self.level = members[0].calibration.level

    @classmethod
    def load(cls, path: Path | str) -> "Predictor":
        """Load a model folder, or every fold of a run folder.

        Raises:
            InputError: If there is no model.
        """
        return cls([Member(folder) for folder in model_folders(path)])

    def predict(
        self,
        pixels: NDArray[np.uint8],
        present: NDArray[np.bool_],
        preop_logmar: NDArray[np.float64],
        covariates: NDArray[np.float32] | None = None,
    ) -> Estimate:
        """Mean location, mean calibrated half width and mean probability over the members.

        Args:
            pixels: (E, V, H, W) preprocessed grey, views in the order of `spec.views`.
            present: (E, V).
            preop_logmar: (E,), NaN = unknown.
            covariates: (E, F) in the order of `spec.covariates`, NaN = unknown; None = all unknown.

        Raises:
            ValueError: If the covariates are of another shape.
        """
        raws = [member(pixels, present, preop_logmar, covariates) for member in self.members]
        postop = np.mean([raw.postop_logmar for raw in raws], axis=0)
        half = np.mean(
            [
                member.calibration.factor * raw.scale_logmar
                for member, raw in zip(self.members, raws, strict=True)
            ],
            axis=0,
        )
        p = np.mean([raw.p_recovery for raw in raws], axis=0)
        return Estimate(postop, postop - half, postop + half, p)

    def knows_patient(self, patient_id: str) -> bool:
        """Whether this patient took part in the training of any member."""
        return any(member.provenance.knows_patient(patient_id) for member in self.members)

    def knows_scan(self, pixels: NDArray[np.uint8]) -> bool:
        """Whether this preprocessed scan took part in the training of any member."""
        return any(member.provenance.knows_scan(pixels) for member in self.members)

    @cached_property
    def baselines(self) -> list[Baselines]:
        """The trivial models fitted on each member's eyes."""
        return [read_baselines(member.folder) for member in self.members]

    @property
    def covariates(self) -> dict[str, Covariate]:
        """What may be given of an eye: the network's covariates, then those of the baselines."""
        known = dict(self.spec.covariates)
        for baselines in self.baselines:
            for feature in baselines.covariates.features if baselines.covariates else ():
                if feature.column != "preop_logmar":
                    kind: CovariateKind = "categorical" if feature.levels else "numeric"
                    known.setdefault(feature.column, Covariate(kind, levels=feature.levels))
        return known

    def predict_baselines(self, table: pd.DataFrame) -> pd.DataFrame:
        """What the members' baselines say of the same eyes, averaged as the members are."""
        return average_baselines(self.baselines, table)


def _doors(spec: ModelSpec) -> tuple[Any, ...]:
    """What must be alike for one eye to go through two networks, the order of inputs included."""
    inputs = (tuple(spec.views.items()), tuple(spec.covariates.items()))
    return (*inputs, spec.preprocessing, spec.outcomes)


def model_folders(path: Path | str) -> list[Path]:
    """The model folders below a run, or the one that `path` is.

    Raises:
        InputError: If there is none.
    """
    path = Path(path)
    if (path / SPEC_FILE).is_file():
        return [path]
    folders = sorted(
        # Only what training writes: a copy kept beside a fold must not vote twice.
        (
            file.parent
            for file in path.glob("fold_*/model/" + SPEC_FILE)
            if re.fullmatch(r"fold_[1-9]\d*", file.parent.parent.name)
        ),
        key=lambda folder: int(folder.parent.name.split("_")[1]),
    )
    if not folders:
        raise InputError(
            f"{path}: no model here; give a run folder (runs/<name>) or a model folder "
            f"(with {SPEC_FILE})"
        )
    return folders
