"""Intervals and probabilities that hold for local patients, from a local sample of known outcome.

The networks stay as they are, and so does the predicted acuity: a constant added to it would be
fitted on the same few eyes, and would hide that the model errs here. Where it is biased, the
intervals grow until they cover the bias, too. The limit on the scale, beyond which the model
abstains, moves with them; what is out of distribution stays so.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net import __version__
from ctt_net.cohort import Cohort, development_rows, exactly_known, read_cohort
from ctt_net.data.scans import Progress, Scans
from ctt_net.errors import InputError
from ctt_net.inference.training_overlap import load_unseen_scans
from ctt_net.io.atomic_folder import check_not_taken, new_folder
from ctt_net.model_folder.digests import seal
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.predictor import Predictor, preop_of
from ctt_net.model_folder.provenance import (
    fingerprints,
    origins_of,
    patient_fingerprints,
)
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.types import ModelOutput
from ctt_net.uncertainty.abstention import abstention_reasons
from ctt_net.uncertainty.calibration import Calibration, calibration_eyes

# With fewer, the coverage that a local sample brings varies by more than 5 points (one standard
# deviation) from sample to sample.
MIN_PATIENTS = 30

_FIX = (
    "the model's errors on them are smaller than on others, so they cannot recalibrate it; leave "
    "them out, or give ids of your own if other people share them"
)


@dataclass(frozen=True)
class Recalibrated:
    """What was made of a local sample.

    Args:
        out: Run or model folder.
        n_patients: One eye of each gave a score.
        level: Nominal coverage.
        coverage_before: Share of those eyes that the intervals held until now.
        bias_logmar: Mean error on those eyes, prediction minus truth; it is not corrected.
        unsure_before: Share of all its eyes that the model was too unsure of until now.
        unsure: The same from now on.
        refitted: Outcomes whose probability was calibrated anew; the others had too few events.
    """

    out: Path
    n_patients: int
    level: float
    coverage_before: float
    bias_logmar: float
    unsure_before: float
    unsure: float
    refitted: tuple[str, ...]


def recalibrate(
    model: Path | str,
    cohort_folder: Path | str,
    out: Path | str,
    *,
    progress: Progress | None = None,
) -> Recalibrated:
    """Write a copy of a model whose intervals and probabilities come from a local cohort.

    Rows of `split` test are left alone, so that they can show what it was worth.

    Args:
        model: Model folder, or run folder for the ensemble of its folds.
        cohort_folder: Unseen patients of known outcome.
        out: Folder to make, of the same kind.
        progress: Called after each scan.

    Raises:
        InputError: If something is wrong, patients are too few, or one of them is in the training.
    """
    model, out = Path(model), Path(out)
    check_not_taken(out)
    predictor = Predictor.load(model)
    cohort = read_cohort(cohort_folder)
    local = exactly_known(development_rows(cohort.table)).index
    chosen = cohort.where(cohort.table.index.to_series().isin(local))
    table = chosen.table
    n = table["patient_id"].nunique()
    if n < MIN_PATIENTS:
        raise InputError(
            f"{cohort.root}: {n} patients of exactly known outcome (rows of split test are not "
            f"counted); {MIN_PATIENTS} are the fewest that can recalibrate: the coverage that "
            f"fewer bring is left to chance, and 100 do much better"
        )
    scans = load_unseen_scans(predictor, chosen, _FIX, progress=progress)
    outputs = predictor.outputs(table, scans)
    measured_on = f"cohort {cohort.spec.name}"
    calibration = recalibration(predictor.calibrations, predictor.spec, outputs, table, measured_on)
    before = predictor.estimate(outputs, table)
    calibrations = [calibration] * len(predictor.members)
    now = Predictor(predictor.members, calibrations).estimate(outputs, table)
    old_limits = [member.abstention for member in predictor.members]
    widths = before.upper_logmar - before.lower_logmar, now.upper_logmar - now.lower_logmar
    with np.errstate(divide="ignore", invalid="ignore"):
        narrower = float(np.median(widths[0] / widths[1]))
    limits = [
        limit and limit.recalibrated(narrower, calibration.scores.all, measured_on)
        for limit in old_limits
    ]
    with new_folder(out) as folder:
        for member, limit in zip(predictor.members, limits, strict=True):
            place = folder / member.folder.relative_to(model)
            _copy(member, place, calibration, chosen, scans)
            if limit is not None:
                limit.write(place)
            if member.provenance.digests:
                seal(place)
    unsure = [
        float(np.mean(["wide_interval" in reasons for reasons in of_eyes]))
        for of_eyes in (
            abstention_reasons(some, outputs, scans, *preop_of(table))
            for some in (old_limits, limits)
        )
    ]
    truth = table["postop_logmar"].to_numpy(float)
    held = (before.lower_logmar <= truth) & (truth <= before.upper_logmar)
    return Recalibrated(
        out,
        calibration.n_patients,
        calibration.level,
        float(held.mean()),
        float(np.mean(before.postop_logmar - truth)),
        unsure[0],
        unsure[1],
        tuple(
            name
            for name, one in calibration.recovery.items()
            if one != predictor.calibrations[0].recovery.get(name)
        ),
    )


def _copy(
    member: Member, place: Path, calibration: Calibration, cohort: Cohort, scans: Scans
) -> None:
    """The model folder with another calibration, which knows the patients it came from."""
    place.mkdir(parents=True, exist_ok=True)
    for path in member.folder.iterdir():
        if path.is_file() and not path.is_symlink():  # a link may lead to anybody's files
            shutil.copy(path, place)
    calibration.write(place)
    table, before = cohort.table, member.provenance
    pixels = (scan.tobytes() for scan in scans.pixels[scans.present])
    after = replace(
        before,
        patients=patient_fingerprints(table["patient_id"].astype(str), before.salt),
        scans=fingerprints(pixels, before.salt),
        origins=origins_of(table, before.salt),
        recalibrated_on={
            "cohort": cohort.spec.name,
            "n_patients": calibration.n_patients,
            "n_eyes": len(table),
            "ctt_net_version": __version__,
        },
    ).after(before)
    after.write(place)


def recalibration(
    calibrations: Sequence[Calibration],
    spec: ModelSpec,
    outputs: Sequence[ModelOutput],
    table: pd.DataFrame,
    measured_on: str,
) -> Calibration:
    """Scores of the ensemble itself on eyes that no member was trained on (split conformal).

    Args:
        calibrations: Of the members until now; a probability with too few local events keeps its.
        spec: Names the outcomes.
        outputs: Of each member for the eyes.
        table: Rows of a cohort, one per eye.
        measured_on: Which patients these are, for `calibration.json`.
    """
    logit = np.mean([one.recovery_logit for one in outputs], axis=0)
    eyes = calibration_eyes(
        table,
        np.mean([one.postop_logmar for one in outputs], axis=0),
        np.mean([one.scale_logmar for one in outputs], axis=0),
        logit,
        spec.outcomes,
    )
    found = Calibration.measure(eyes, spec.outcomes, measured_on)
    recovery = {
        name: one if one.n_eyes else calibrations[0].recovery.get(name, one)
        for name, one in found.recovery.items()
    }
    return replace(found, recovery=recovery, members=len(calibrations), level=calibrations[0].level)
