"""Calibrate the models of a run on the eyes that each of them never saw."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ctt_net.data.covariates import covariate_values
from ctt_net.data.module import EyeDataModule, Part
from ctt_net.errors import InputError
from ctt_net.model_folder.digests import resealed
from ctt_net.model_folder.member import Member
from ctt_net.uncertainty.calibration import CALIBRATION_FILE, OUT_OF_FOLD, SELECTION, Calibration
from ctt_net.uncertainty.calibration_eyes import ERROR, calibration_eyes
from ctt_net.uncertainty.conformal import error_correlation


@dataclass(frozen=True)
class FoldEyes:
    """What one fold's model said of the eyes that it was not fitted to.

    Args:
        fold: From 1.
        member: Its model.
        unseen: `calibration_eyes` of the fold itself.
        selected: The same of the selection split, which only chose the checkpoint.
    """

    fold: int
    member: Member
    unseen: pd.DataFrame
    selected: pd.DataFrame


def ask_fold(folder: Path, fold: int, data: EyeDataModule) -> FoldEyes:
    """Run a finished fold's model over its own fold and its selection split.

    Args:
        folder: Its model folder; calibration.json may be missing, or of an older version.
        fold: From 1.
        data: Of the run; its fold is set.

    Raises:
        InputError: If the model has seen patients of the fold.
    """
    member = Member(folder)
    data.fold = fold
    patients = data.part("reported")["patient_id"].unique()
    known = [who for who in patients if member.provenance.knows_patient(str(who))]
    if known:
        raise InputError(
            f"{folder}: {len(known)} patients of fold {fold} trained its model, such as "
            f"{known[0]!r}; the cohort's folds have changed since, so train anew in another --out"
        )
    return FoldEyes(fold, member, _eyes(member, "reported", data), _eyes(member, "selection", data))


def calibrate_on_selection(folder: Path, data: EyeDataModule) -> None:
    """Calibrate a fold's model until its run is finished.

    Args:
        folder: Model folder of the fold that `data` is set to.
        data: Of the run.
    """
    member = Member(folder)
    eyes = _eyes(member, "selection", data)
    Calibration.measure(eyes, member.spec.outcomes, SELECTION).write(folder)


def calibrated(asked: Sequence[FoldEyes], run: Path) -> dict[str, str | bytes]:
    """Every fold's calibration.json anew: its own scores, and the probabilities of all folds.

    Args:
        asked: All folds of the run that are there.
        run: Its folder.

    Returns:
        Contents by name, to be written together with what the run reports of itself.
    """
    files: dict[str, str | bytes] = {}
    every = pd.concat([one.unseen for one in asked])
    alike = error_correlation(every[ERROR], [one.selected[ERROR] for one in asked])
    outcomes = asked[0].member.spec.outcomes
    together = Calibration.measure(every, outcomes, OUT_OF_FOLD).recovery
    for one in asked:
        own = Calibration.measure(one.unseen, outcomes, OUT_OF_FOLD)
        whole = replace(own, recovery=together, error_correlation=alike)
        place = one.member.folder.relative_to(run)
        anew = resealed(one.member.provenance, {CALIBRATION_FILE: whole.text()})
        files |= {(place / name).as_posix(): content for name, content in anew.items()}
    return files


def calibration_for_report(asked: Sequence[FoldEyes], fold: int) -> Calibration:
    """What a fold's out-of-fold predictions are calibrated by: the other folds, never itself.

    With no other fold there is only the selection split.

    Args:
        asked: All folds of the run that are there.
        fold: The one that is reported on.
    """
    (own,) = (one for one in asked if one.fold == fold)
    others = [one.unseen for one in asked if one.fold != fold]
    outcomes = own.member.spec.outcomes
    if not others:
        return Calibration.measure(own.selected, outcomes, SELECTION)
    return Calibration.measure(pd.concat(others), outcomes, OUT_OF_FOLD)


def _eyes(member: Member, part: Part, data: EyeDataModule) -> pd.DataFrame:
    table = data.part(part)
    scans = data.scans_of(table)
    covariates = covariate_values(table, member.spec.covariates)
    preop = table["preop_logmar"].to_numpy(float)
    raw = member(scans.pixels, scans.present, preop, covariates)
    return calibration_eyes(
        table, raw.postop_logmar, raw.scale_logmar, raw.recovery_logit, member.spec.outcomes
    )
