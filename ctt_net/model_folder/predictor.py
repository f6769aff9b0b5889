"""All folds of a run as an ensemble, or a single model; no torch."""

import json
import logging
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.baselines.clinical import STACK, Baselines, average_baselines, read_baselines
from ctt_net.cohort import Covariate
from ctt_net.cohort.covariate import CovariateKind
from ctt_net.cohort.predictions import FOLD_COLUMN, read_predictions
from ctt_net.data.covariates import covariate_values
from ctt_net.data.scans import Scans
from ctt_net.errors import InputError
from ctt_net.model_folder.digests import files_digests, sha256_of
from ctt_net.model_folder.ensemble import Estimate, estimate
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.pretrained import resolve_model
from ctt_net.model_folder.spec import SPEC_FILE, ModelSpec
from ctt_net.types import ModelOutput
from ctt_net.uncertainty.calibration import Calibration, calibration_warnings, guarantee
from ctt_net.uncertainty.similar_eyes import SimilarEyes

LOG = logging.getLogger(__name__)


class Predictor:
    """All members of a run, or a single model.

    Args:
        members: At least one, all with the same views, covariates, preprocessing and outcomes.
        calibrations: One for each member; None = its own.

    Raises:
        InputError: If they do not fit together.
    """

    def __init__(
        self, members: list[Member], calibrations: Sequence[Calibration] | None = None
    ) -> None:
        first = members[0].spec
        for member in members[1:]:
            if _interface(member.spec) != _interface(first):
                raise InputError(
                    f"{member.folder} differs from {members[0].folder} in views, covariates, "
                    f"preprocessing or outcomes; they are no ensemble"
                )
        self.members = members
        self.spec = first
        if calibrations is None:
            calibrations = [member.calibration for member in members]
            _check_same_calibration(members)
        self.calibrations = list(calibrations)
        self.level = self.calibrations[0].level

    @classmethod
    def load(cls, path: Path | str, threads: int = 0, *, wait: bool = True) -> "Predictor":
        """Load a model folder, or every fold of a run folder.

        Args:
            path: Folder, or a name as `resolve_model` takes it.
            threads: Of one run of a network; 0 = as many as there are cores.
            wait: For the networks to be open; else what is wrong with one is said at first use.

        Raises:
            InputError: If there is no model.
        """
        folders = model_folders(path)
        # ONNX Runtime opens networks without the GIL: of several folds at once.
        members = [Member(folder, threads=threads, wait=False) for folder in folders]
        for member in members if wait else ():
            member.opened()
        if gone := _reported_folds(Path(path)) - {folder.parent.name for folder in folders}:
            LOG.warning(
                "%s: %s of its predictions.csv missing: the ensemble is of %d, not %d",
                *(path, ", ".join(sorted(gone)), len(folders), len(folders) + len(gone)),
            )
        if not all(member.provenance.digests for member in members):
            LOG.warning(
                "%s: made by version 0.1, which kept no digests: whether its files are whole and "
                "unchanged cannot be verified",
                path,
            )
        return cls(members)

    def predict(
        self,
        pixels: NDArray[np.uint8],
        present: NDArray[np.bool_],
        preop_logmar: NDArray[np.float64],
        covariates: NDArray[np.float32] | None = None,
        preop_off_chart: NDArray[np.bool_] | None = None,
    ) -> Estimate:
        """Run every member and calibrate what they say.

        Args:
            pixels: (E, V, H, W) preprocessed grey, views in the order of `spec.views`.
            present: (E, V).
            preop_logmar: (E,), NaN = unknown.
            covariates: (E, F) in the order of `spec.covariates`, NaN = unknown; None = all unknown.
            preop_off_chart: (E,) whether the acuity was counting fingers or less; None = never.

        Raises:
            ValueError: If the covariates are of another shape.
        """
        outputs = [member(pixels, present, preop_logmar, covariates) for member in self.members]
        return self._estimate(outputs, preop_logmar, preop_off_chart)

    def outputs(self, table: pd.DataFrame, scans: Scans) -> list[ModelOutput]:
        """What each member predicts for rows of a cohort, before calibration.

        Args:
            table: E rows; a covariate that is no column of it is unknown.
            scans: Of the same eyes, views in the order of `spec.views`.
        """
        return [member.of_table(table, scans) for member in self.members]

    def estimate(self, outputs: Sequence[ModelOutput], table: pd.DataFrame) -> Estimate:
        """What the members predict together, calibrated.

        Args:
            outputs: Of each member for the rows of `table`.
            table: Rows of a cohort.
        """
        preop, off_chart = preop_of(table)
        return self._estimate(outputs, preop, off_chart)

    def _estimate(
        self,
        outputs: Sequence[ModelOutput],
        preop_logmar: NDArray[np.float64],
        preop_off_chart: NDArray[np.bool_] | None,
    ) -> Estimate:
        outcomes = self.spec.outcomes
        return estimate(outputs, self.calibrations, outcomes, preop_logmar, preop_off_chart)

    @property
    def probability_cuts(self) -> dict[str, float]:
        """Outcome name to the probability from which an eye is called recovered."""
        return {
            outcome.name: float(
                np.mean([one.of_outcome(outcome).threshold for one in self.calibrations])
            )
            for outcome in self.spec.outcomes
        }

    @property
    def guarantee(self) -> str:
        """What the intervals guarantee, for whom, and on what ground."""
        return guarantee(self.calibrations, self.spec.cohort)

    @property
    def warnings(self) -> list[str]:
        """What limits the trust in intervals and abstention of this model."""
        return calibration_warnings(self.calibrations) + self._no_limit()

    def _no_limit(self) -> list[str]:
        """A warning where no member can detect what is out of distribution."""
        limits = [member.abstention for member in self.members]
        if any(limit is not None and limit.distance_limits for limit in limits):
            return []
        return [
            "This model does not detect out-of-distribution scans: too few eyes were left to set "
            "the limit, or an older version trained it."
        ]

    @cached_property
    def similar_eyes(self) -> SimilarEyes | None:
        """Eyes that the member asked was not trained on; None where no member has any."""
        known = [member.similar_eyes for member in self.members]
        return SimilarEyes.pooled([one for one in known if one]) if any(known) else None

    @property
    def covariate_ranges(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest value in the training of any member, where all tell."""
        known = [member.spec.covariate_ranges for member in self.members]
        return {
            name: (min(one[name][0] for one in known), max(one[name][1] for one in known))
            for name in known[0]
            if all(name in one for one in known)
        }

    @property
    def preop_range_logmar(self) -> tuple[float, float] | None:
        """Best and worst preoperative acuity in the training of any member, where all tell."""
        known = [member.spec.preop_range_logmar for member in self.members]
        told = [one for one in known if one is not None]
        if len(told) < len(known):
            return None
        return min(low for low, _ in told), max(high for _, high in told)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over those of all files of its members: tells it from any other model."""
        return sha256_of(json.dumps([files_digests(one.folder) for one in self.members]).encode())

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
            fitted = baselines.svm_measures or baselines.covariates
            for feature in fitted.features if fitted else ():
                if feature.column != "preop_logmar":
                    kind: CovariateKind = "categorical" if feature.levels else "numeric"
                    covariate = Covariate(
                        kind=kind, levels=feature.levels, measured_in=feature.measured_in
                    )
                    known.setdefault(feature.column, covariate)
        return known

    @property
    def image_weights(self) -> list[float]:
        """How far each member moves its prediction from the clinical one; none if it has none."""
        return [one.image_weight for one in self.members if one.clinical_start is not None]

    def predict_baselines(self, table: pd.DataFrame) -> pd.DataFrame:
        """What the members' baselines say of the same eyes, averaged as the members are.

        Where every member has a clinical start, the last column is theirs.
        """
        predicted = average_baselines(self.baselines, table)
        if len(self.image_weights) == len(self.members):
            preop = table["preop_logmar"].to_numpy(float)
            values = covariate_values(table, self.spec.covariates)
            predicted[STACK] = np.mean(
                [member.clinical_logmar(preop, values) for member in self.members], axis=0
            )
        return predicted


def preop_of(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Preoperative acuity in logMAR and whether it is off the chart, of rows of a cohort."""
    off_chart: NDArray[np.bool_] = table["preop_off_chart"].to_numpy(str) != ""
    return table["preop_logmar"].to_numpy(float), off_chart


def _check_same_calibration(members: list[Member]) -> None:
    """Members of a recalibrated ensemble are calibrated as a whole, so none may be missing."""
    first = members[0].calibration
    for member in members:
        whole = member.calibration.members
        if whole != (len(members) if first.members > 1 else 1):
            raise InputError(
                f"{member.folder}: was recalibrated as one of {whole}, and {len(members)} are "
                f"here; give the whole folder that `ctt-net recalibrate` wrote"
            )
        if whole > 1 and member.calibration != first:
            raise InputError(
                f"{member.folder}: calibration.json is not that of {members[0].folder}; "
                f"recalibrate the whole run again"
            )


def _interface(spec: ModelSpec) -> tuple[Any, ...]:
    """What must agree for one eye to be given to two networks, the order of inputs included."""
    inputs = (tuple(spec.views.items()), tuple(spec.covariates.items()))
    return (*inputs, spec.preprocessing, spec.outcomes)


def _reported_folds(run: Path) -> set[str]:
    """Names of the folds whose eyes a run predicted; none where that cannot be told."""
    try:
        folds = read_predictions(run / "predictions.csv")[FOLD_COLUMN].dropna()
    except (InputError, KeyError):
        return set()
    return {f"fold_{fold}" for fold in folds.astype(int)}


def model_folders(path: Path | str) -> list[Path]:
    """The model folders below a run, or the one that `path` is.

    Args:
        path: Folder, or a name as `resolve_model` takes it.

    Raises:
        InputError: If there is none.
    """
    path = resolve_model(path)
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
            f"{path}: no model here; give a run folder (runs/<name>), a model folder (with "
            f"{SPEC_FILE}), or 'simulated' for the one that comes with ctt-net"
        )
    return folders
