"""Calibrate the models of a run on eyes that each was not trained on, and set abstention limits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.baselines.clinical_start import ClinicalStart
from ctt_net.data.module import EyeDataModule
from ctt_net.data.scans import Scans
from ctt_net.errors import InputError
from ctt_net.model_folder.digests import resealed
from ctt_net.model_folder.member import Member
from ctt_net.types import ModelOutput
from ctt_net.uncertainty.abstention_limits import Abstention
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

# More eyes hardly change a mean and a covariance, and have to be run through the network.
MAX_REFERENCE_EYES = 2000


@dataclass(frozen=True)
class FoldEyes:
    """What one fold's model predicts for the eyes that it was not fitted to.

    Args:
        fold: From 1.
        member: Its model.
        test: `calibration_eyes` of the fold itself.
        val: The same of the validation split, which only chose the checkpoint.
    """

    fold: int
    member: Member
    test: pd.DataFrame
    val: pd.DataFrame


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
    test = data.part("test")
    known = [p for p in test["patient_id"].unique() if member.provenance.knows_patient(str(p))]
    if known:
        raise InputError(
            f"{folder}: {len(known)} patients of fold {fold} trained its model, such as "
            f"{known[0]!r}; the cohort's folds have changed since, so train anew in another --out"
        )
    eyes = [
        _calibration_eyes(member, table, member.of_table(table, data.scans_of(table)))
        for table in (test, data.part("val"))
    ]
    return FoldEyes(fold, member, *eyes)


def fit_clinical_start(folder: Path, data: EyeDataModule) -> pd.Series:
    """Write `clinical_start.json` of a fold, its image weight estimated on the validation split.

    Args:
        folder: Model folder of the fold that `data` is set to, without one so far.
        data: Of the run.

    Returns:
        What the clinical predictor says out of fold of each eye of training and validation split.
    """
    member = Member(folder)
    train, val = data.part("train"), data.part("val")
    start, unseen = ClinicalStart.fit(
        pd.concat([train, val]), data.cohort.spec, member.spec.covariates
    )
    start.with_image_weight(
        val["postop_logmar"].to_numpy(float),
        unseen[val.index].to_numpy(float),
        member.of_table(val, data.scans_of(val)).postop_logmar,
    ).write(folder)
    return unseen


def calibrate_fold(folder: Path, data: EyeDataModule, clinical: pd.Series | None = None) -> None:
    """Write `calibration.json`, `abstention.json` and the reference embeddings of a fold.

    The calibration is that of the validation split until the run is finished.

    Args:
        folder: Model folder of the fold that `data` is set to.
        data: Of the run.
        clinical: As `fit_clinical_start` gives it; None of a fold without a clinical start.
    """
    member = Member(folder)
    train, val = data.part("train"), data.part("val")
    scans = data.scans_of(val)
    # The clinical predictor of the folder was fitted to these eyes.
    unseen = None if clinical is None else clinical[val.index].to_numpy(float)
    output = member.of_table(val, scans, unseen)
    eyes = _calibration_eyes(member, val, output)
    Calibration.measure(eyes, member.spec.outcomes, VALIDATION).write(folder)
    some = train
    if len(train) > MAX_REFERENCE_EYES:
        some = train.sample(MAX_REFERENCE_EYES, random_state=data.seed)
    references = {}
    of_train = data.scans_of(some)
    for name, features in _features(member.of_table(some, of_train), of_train).items():
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
    Abstention.measure(
        scale_logmar=output.scale_logmar,
        error_logmar=output.postop_logmar - val["postop_logmar"].to_numpy(float),
        features=_features(output, scans),
        references=references,
        training_eyes=len(train),
        training_counts=counts,
    ).write(folder)


def calibrated(folds: Sequence[FoldEyes], run: Path) -> dict[str, str | bytes]:
    """Every fold's calibration.json anew: its own scores, and the probabilities of all folds.

    Args:
        folds: All folds of the run that are there.
        run: Its folder.

    Returns:
        Contents by name, to be written together with the report of the run.
    """
    files: dict[str, str | bytes] = {}
    every = pd.concat([one.test for one in folds])
    correlation = error_correlation(every[ERROR], [one.val[ERROR] for one in folds])
    outcomes = folds[0].member.spec.outcomes
    recovery = Calibration.measure(every, outcomes, OUT_OF_FOLD).recovery
    for one in folds:
        own = Calibration.measure(one.test, outcomes, OUT_OF_FOLD)
        whole = replace(own, recovery=recovery, error_correlation=correlation)
        place = one.member.folder.relative_to(run)
        anew = resealed(one.member.provenance, {CALIBRATION_FILE: whole.text()})
        files |= {(place / name).as_posix(): content for name, content in anew.items()}
    return files


def calibration_for_report(folds: Sequence[FoldEyes], fold: int) -> Calibration:
    """What a fold's out-of-fold predictions are calibrated by: the other folds, never itself.

    With no other fold there is only the validation split.

    Args:
        folds: All folds of the run that are there.
        fold: The one that is reported.
    """
    (own,) = (one for one in folds if one.fold == fold)
    others = [one.test for one in folds if one.fold != fold]
    outcomes = own.member.spec.outcomes
    if not others:
        return Calibration.measure(own.val, outcomes, VALIDATION)
    return Calibration.measure(pd.concat(others), outcomes, OUT_OF_FOLD)


def _calibration_eyes(member: Member, table: pd.DataFrame, output: ModelOutput) -> pd.DataFrame:
    return calibration_eyes(
        table,
        output.postop_logmar,
        output.scale_logmar,
        output.recovery_logit,
        member.spec.outcomes,
    )


def _features(output: ModelOutput, scans: Scans) -> dict[str, np.ndarray]:
    """Features of some eyes, as the reference embeddings have them."""
    features = {"scan": features_of(scans.pixels, scans.present)}
    if output.embedding is not None:
        features["embedding"] = output.embedding
    return features
