"""Calibrate the models of a run on eyes that each was not trained on, and set abstention limits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.baselines.clinical_start import (
    CHECKPOINT_EYES,
    CLINICAL_START_FILE,
    UNSEEN_EYES,
    ClinicalStart,
)
from ctt_net.cohort import exactly_known
from ctt_net.data.covariates import covariate_values
from ctt_net.data.module import EyeDataModule
from ctt_net.errors import InputError
from ctt_net.model_folder.digests import resealed
from ctt_net.model_folder.member import Member
from ctt_net.types import ModelOutput
from ctt_net.uncertainty.abstention_limits import ABSTENTION_FILE, Abstention
from ctt_net.uncertainty.calibration import (
    CALIBRATION_FILE,
    ERROR,
    OUT_OF_FOLD,
    VALIDATION,
    Calibration,
    calibration_eyes,
)
from ctt_net.uncertainty.conformal import error_correlation
from ctt_net.uncertainty.reference_embeddings import ReferenceEmbeddings, features_of
from ctt_net.uncertainty.similar_eyes import SIMILAR_EYES_FILE, SimilarEyes

# More eyes hardly change a mean and a covariance, and have to be run through the network.
MAX_REFERENCE_EYES = 2000


@dataclass(frozen=True)
class HeldOut:
    """Eyes that a network was not fitted to, and what it says of them.

    Args:
        table: E rows of a cohort whose outcome is known exactly.
        network: What the network alone predicts.
        clinical_logmar: (E,) what its clinical start predicts where that has not seen them either;
            None = it has none.
    """

    table: pd.DataFrame
    network: ModelOutput
    clinical_logmar: NDArray[np.float64] | None

    @property
    def truth_logmar(self) -> NDArray[np.float64]:
        """(E,) acuity after surgery."""
        return self.table["postop_logmar"].to_numpy(float)

    def output(self, member: Member) -> ModelOutput:
        """The same moved as the member's clinical start says."""
        if member.clinical_start is None or self.clinical_logmar is None:
            return self.network
        preop = self.table["preop_logmar"].to_numpy(float)
        outcomes = member.spec.outcomes
        return member.clinical_start.blend(self.network, self.clinical_logmar, preop, outcomes)

    def calibration_eyes(self, member: Member) -> pd.DataFrame:
        """See `ctt_net.uncertainty.calibration.calibration_eyes`."""
        said = self.output(member)
        columns = said.postop_logmar, said.scale_logmar, said.recovery_logit
        return calibration_eyes(self.table, *columns, member.spec.outcomes)


@dataclass(frozen=True)
class FoldEyes:
    """What one fold's model predicts for the eyes that it was not fitted to.

    Args:
        fold: From 1.
        member: Its model.
        test: The fold itself.
        val: The validation split, which only chose the checkpoint.
    """

    fold: int
    member: Member
    test: HeldOut
    val: HeldOut

    @property
    def test_eyes(self) -> pd.DataFrame:
        """`calibration_eyes` of the fold itself."""
        return self.test.calibration_eyes(self.member)

    @property
    def val_eyes(self) -> pd.DataFrame:
        """The same of the validation split."""
        return self.val.calibration_eyes(self.member)


def predict_fold(folder: Path, fold: int, data: EyeDataModule) -> FoldEyes:
    """Run a finished fold's model over its own fold and its validation split.

    Args:
        folder: Its model folder; calibration.json may be missing, or of an older version.
        fold: From 1.
        data: Of the run; its fold is set.

    Raises:
        InputError: If patients of the fold trained the model.
    """
    member = Member(folder)
    data.fold = fold
    test, val = exactly_known(data.part("test")), exactly_known(data.part("val"))
    known = [p for p in test["patient_id"].unique() if member.provenance.knows_patient(str(p))]
    if known:
        raise InputError(
            f"{folder}: {len(known)} patients of fold {fold} trained its model, such as "
            f"{known[0]!r}; the cohort's folds have changed since, so train anew in another --out"
        )
    clinical: list[NDArray[np.float64] | None] = [None, None]
    if member.clinical_start is not None:
        covariates = covariate_values(test, member.spec.covariates)
        of_test = member.clinical_logmar(test["preop_logmar"].to_numpy(float), covariates)
        clinical = [of_test, _fitted_start(member, data)[1]]
    return FoldEyes(
        fold,
        member,
        HeldOut(test, _network(member, data, test), clinical[0]),
        HeldOut(val, _network(member, data, val), clinical[1]),
    )


def _network(member: Member, data: EyeDataModule, table: pd.DataFrame) -> ModelOutput:
    """What a member's network alone predicts for rows of the cohort."""
    parts = [member.network(*member.inputs(*part)) for part in data.in_parts(table)]
    joined: Any = {
        name: None if value is None else np.concatenate([getattr(one, name) for one in parts])
        for name, value in vars(parts[0]).items()
    }
    return ModelOutput(**joined)


def _fitted_start(member: Member, data: EyeDataModule) -> tuple[ClinicalStart, NDArray[np.float64]]:
    """The clinical predictor of a fold, and what it says of its validation split out of fold."""
    train, val = exactly_known(data.part("train")), exactly_known(data.part("val"))
    table = pd.concat([train, val])
    start, unseen = ClinicalStart.fit(table, data.cohort.spec, member.spec.covariates)
    return start, unseen[val.index].to_numpy(float)


def with_image_weight(folds: Sequence[FoldEyes], without: int | None = None) -> list[FoldEyes]:
    """The same folds, moved by one image weight, that of all their eyes out of fold.

    These eyes are more than those of a validation split, and they chose nothing.

    Args:
        folds: All folds of the run that are there.
        without: A fold whose eyes have no say; where no other is left, each keeps its weight.
    """
    eyes = [
        np.stack([one.test.truth_logmar, one.test.clinical_logmar, one.test.network.postop_logmar])
        for one in folds
        if one.fold != without and one.test.clinical_logmar is not None
    ]
    if not eyes:
        return list(folds)
    return [_moved(one, np.concatenate(eyes, axis=1)) for one in folds]


def _moved(one: FoldEyes, eyes: NDArray[np.float64]) -> FoldEyes:
    """A fold with the image weight of (truth, clinical, network), and a scale limit to suit it."""
    start, limits = one.member.clinical_start, one.member.abstention
    if start is None:
        return one
    start = start.with_image_weight(eyes[0], eyes[1], eyes[2], UNSEEN_EYES)
    if limits is not None:
        said = one.val.output(one.member.starting_from(start, limits))
        error = said.postop_logmar - one.val.truth_logmar
        limits = limits.with_scale_limit(said.scale_logmar, error)
    return replace(one, member=one.member.starting_from(start, limits))


def calibrate_fold(folder: Path, data: EyeDataModule, clinical_start: bool) -> None:
    """Write calibration, limits, similar eyes, reference embeddings and clinical start of a fold.

    All are those of the validation split until the run is finished.

    Args:
        folder: Model folder of the fold that `data` is set to, without a clinical start so far.
        data: Of the run.
        clinical_start: Whether predictions start from the clinical one.
    """
    member = Member(folder)
    train, val = data.part("train"), exactly_known(data.part("val"))
    eyes = HeldOut(val, _network(member, data, val), None)
    if clinical_start:
        start, unseen = _fitted_start(member, data)
        network = eyes.network.postop_logmar
        start = start.with_image_weight(eyes.truth_logmar, unseen, network, CHECKPOINT_EYES)
        start.write(folder)
        member = member.starting_from(start, None)
        eyes = replace(eyes, clinical_logmar=unseen)
    of_val = eyes.calibration_eyes(member)
    Calibration.measure(of_val, member.spec.outcomes, VALIDATION).write(folder)
    SimilarEyes.of_eyes(of_val).write(folder)
    some = train
    if len(train) > MAX_REFERENCE_EYES:
        some = train.sample(MAX_REFERENCE_EYES, random_state=data.seed)
    references = {}
    known = _network(member, data, some)
    for name, features in _features(known, data, some).items():
        flat = features.reshape(-1, features.shape[-1])
        flat = flat[np.isfinite(flat).all(axis=1)]
        if len(flat) > 1:
            references[name] = ReferenceEmbeddings.fit(flat)
    counts = {}
    if member.spec.architecture.get("use_preop_va", True):
        counts = {
            "no_preop_va": int(train["preop_logmar"].isna().sum()),
            "off_chart_preop": int((train["preop_off_chart"] != "").sum()),
        }
    output = eyes.output(member)
    Abstention.measure(
        scale_logmar=output.scale_logmar,
        error_logmar=output.postop_logmar - eyes.truth_logmar,
        features=_features(output, data, val),
        references=references,
        training_eyes=len(train),
        training_counts=counts,
    ).write(folder)


def calibrated(folds: Sequence[FoldEyes], run: Path) -> dict[str, str | bytes]:
    """What every fold's model gets from the finished run: calibration, similar eyes, image weight.

    Scores and similar eyes are of its own fold, probabilities and image weight of all folds.

    Args:
        folds: All folds of the run that are there.
        run: Its folder.

    Returns:
        Contents by name, to be written together with the report of the run.
    """
    folds = with_image_weight(folds)
    files: dict[str, str | bytes] = {}
    every = pd.concat([one.test_eyes for one in folds])
    correlation = error_correlation(every[ERROR], [one.val_eyes[ERROR] for one in folds])
    outcomes = folds[0].member.spec.outcomes
    recovery = Calibration.measure(every, outcomes, OUT_OF_FOLD).recovery
    for one in folds:
        own = Calibration.measure(one.test_eyes, outcomes, OUT_OF_FOLD)
        whole = replace(own, recovery=recovery, error_correlation=correlation)
        own_files: dict[str, str | bytes] = {
            CALIBRATION_FILE: whole.text(),
            SIMILAR_EYES_FILE: SimilarEyes.of_eyes(one.test_eyes).text(),
        }
        if one.member.clinical_start is not None:
            own_files[CLINICAL_START_FILE] = one.member.clinical_start.text()
            if one.member.abstention is not None:
                own_files[ABSTENTION_FILE] = one.member.abstention.text()
        place = one.member.folder.relative_to(run)
        anew = resealed(one.member.provenance, own_files)
        files |= {(place / name).as_posix(): content for name, content in anew.items()}
    return files


def for_report(folds: Sequence[FoldEyes], fold: int) -> tuple[Member, Calibration]:
    """A fold's model as its report has it: image weight and calibration are of the other folds.

    So no eye has a say in its own prediction or interval. With no other fold there is only the
    validation split.

    Args:
        folds: All folds of the run that are there.
        fold: The one that is reported.
    """
    folds = with_image_weight(folds, without=fold)
    (own,) = (one for one in folds if one.fold == fold)
    others = [one.test_eyes for one in folds if one.fold != fold]
    outcomes = own.member.spec.outcomes
    if not others:
        return own.member, Calibration.measure(own.val_eyes, outcomes, VALIDATION)
    return own.member, Calibration.measure(pd.concat(others), outcomes, OUT_OF_FOLD)


def _features(
    output: ModelOutput, data: EyeDataModule, table: pd.DataFrame
) -> dict[str, np.ndarray]:
    """Features of rows of the cohort, as the reference embeddings have them."""
    of_scans = [features_of(scans.pixels, scans.present) for _, scans in data.in_parts(table)]
    features = {"scan": np.concatenate(of_scans)}
    if output.embedding is not None:
        features["embedding"] = output.embedding
    return features
