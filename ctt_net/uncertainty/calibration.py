"""`calibration.json`: conformal scores of the intervals and calibration of the probabilities.

Scores are kept as they are, not only their quantile, since an ensemble needs those of all its
members; there is one of each patient, beside its band of preoperative acuity and no id.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.acuity import preop_band
from ctt_net.errors import InputError, count_of
from ctt_net.io import renamed
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.json_file import json_text, read_json
from ctt_net.outcome import Outcome
from ctt_net.uncertainty.conformal import Scores, enough
from ctt_net.uncertainty.probability import RecoveryCalibration
from ctt_net.uncertainty.similar_eyes import PREDICTED, PREOP, REACHED

DRAW_SEED = 0
ERROR, BAND = "error_in_scales", "band"
LOGIT, RECOVERED = "logit_of_", "recovered_"


def calibration_eyes(
    table: pd.DataFrame,
    postop_logmar: NDArray[np.float64],
    scale_logmar: NDArray[np.float64],
    recovery_logit: NDArray[np.float64],
    outcomes: Sequence[Outcome],
) -> pd.DataFrame:
    """One eye of each patient: error / scale, band, acuities, and logit and truth of each outcome.

    Two eyes of a patient are not exchangeable with two patients, so one is drawn. The worse of both
    would be exchangeable, too, but would guarantee that both eyes are covered at once, and
    intervals would cover more eyes than stated.

    Args:
        table: Rows of a cohort; eyes of unknown outcome are left out.
        postop_logmar: (E,) predicted.
        scale_logmar: (E,).
        recovery_logit: (E, K).
        outcomes: K of them.

    Returns:
        Indexed by eye_id, one row a patient.
    """
    preop, truth = (table[f"{time}_logmar"].to_numpy(float) for time in ("preop", "postop"))
    columns = {
        ERROR: (postop_logmar - truth) / scale_logmar,
        BAND: preop_band(preop, table["preop_off_chart"].to_numpy(str) != ""),
        PREOP: preop,
        PREDICTED: postop_logmar,
        REACHED: truth,
    }
    for k, outcome in enumerate(outcomes):
        columns[LOGIT + outcome.name] = recovery_logit[:, k]
        columns[RECOVERED + outcome.name] = outcome.label(preop, truth)
    out = pd.DataFrame(columns, index=pd.Index(table["eye_id"], name="eye_id"))
    known = np.isfinite(truth)
    drawn = drawn_eyes(table["eye_id"][known], table["patient_id"][known])
    return out[out.index.isin(drawn)]


def drawn_eyes(eye_id: Iterable[str], patient_id: Iterable[str]) -> list[str]:
    """One eye of each patient, drawn by a hash: the same whoever else is in the table."""
    ranks = pd.DataFrame({"eye": eye_id, "patient": patient_id}).astype(str)
    ranks["rank"] = [
        hashlib.sha256(f"{DRAW_SEED}:{eye}".encode()).hexdigest() for eye in ranks["eye"]
    ]
    return ranks.sort_values("rank").groupby("patient", sort=False)["eye"].first().tolist()


CALIBRATION_FILE = "calibration.json"
VERSION = 2
LEVEL = 0.9

OUT_OF_FOLD = "patients of neither the training nor the validation split"
VALIDATION = "patients of the validation split, which also chose the checkpoint"


@dataclass(frozen=True)
class Calibration:
    """Contents of `calibration.json`.

    Args:
        scores: |error| / scale of one eye of each patient.
        measured_on: Which patients those were.
        recovery: Outcome name to the calibration of its probability.
        error_correlation: How alike two members of the run err, 0..1; what an ensemble gains.
        members: How many networks were averaged before the scores were taken: 1 after training, all
            of an ensemble after recalibration.
        level: Nominal coverage.

    Raises:
        ValueError: If a number is impossible.
    """

    scores: Scores
    measured_on: str
    recovery: Mapping[str, RecoveryCalibration] = field(default_factory=dict)
    error_correlation: float = 1.0
    members: int = 1
    level: float = LEVEL

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ValueError(f"level {self.level!r} makes no interval")
        if not 0 <= self.error_correlation <= 1:
            raise ValueError(f"error_correlation {self.error_correlation!r} is not in 0..1")
        if self.members < 1:
            raise ValueError(f"members {self.members!r} makes no ensemble")

    @property
    def n_patients(self) -> int:
        """On how many patients it was measured."""
        return len(self.scores.all)

    @classmethod
    def measure(
        cls, eyes: pd.DataFrame, outcomes: Sequence[Outcome], measured_on: str
    ) -> "Calibration":
        """Take the scores and fit the probabilities.

        Args:
            eyes: As `calibration_eyes` gives them, of one network or several.
            outcomes: Those asked of the networks.
            measured_on: Kept in the file.
        """
        return cls(
            Scores.of_eyes(eyes[ERROR].abs().to_numpy(float), eyes[BAND].to_numpy(str)),
            measured_on,
            fit_recovery(eyes, outcomes),
        )

    def of_outcome(self, outcome: Outcome) -> RecoveryCalibration:
        """How a probability is calibrated; not at all where nothing is known of it."""
        return self.recovery.get(outcome.name, RecoveryCalibration())

    def text(self) -> str:
        """Contents of `calibration.json`."""
        data = {
            "version": VERSION,
            "level": self.level,
            "members": self.members,
            "measured_on": self.measured_on,
            "n_patients": self.n_patients,
            "error_correlation": self.error_correlation,
            "recovery": {name: asdict(one) for name, one in self.recovery.items()},
            "scores": {band: list(scores) for band, scores in self.scores.by_band.items()},
        }
        return json_text(data)

    def write(self, folder: Path) -> None:
        """Write `calibration.json`."""
        atomic_write(folder / CALIBRATION_FILE, self.text())

    @classmethod
    def read(cls, folder: Path) -> "Calibration":
        """Read `calibration.json`.

        Raises:
            InputError: If it is missing, damaged, or of another version.
        """
        path = folder / CALIBRATION_FILE
        data = read_json(path, dict)
        if data.get("version") != VERSION:
            raise InputError(
                f"{path}: version {data.get('version', 1)}; this version of ctt-net reads "
                f"{VERSION}. Repeat the run's `ctt-net train` with --resume true: finished folds "
                f"are calibrated anew, not trained"
            )
        return read_json(path, cls._from_dict)

    @classmethod
    def _from_dict(cls, data: dict[str, Any]) -> "Calibration":
        scores = {band: tuple(map(float, values)) for band, values in data["scores"].items()}
        recovery = {name: RecoveryCalibration(**one) for name, one in data["recovery"].items()}
        further = {name: data[name] for name in ("error_correlation", "members", "level")}
        on = {renamed.VALIDATION: VALIDATION, renamed.OUT_OF_FOLD: OUT_OF_FOLD}
        measured_on = on.get(data["measured_on"], data["measured_on"])
        return cls(Scores(scores), measured_on, recovery, **further)


def fit_recovery(eyes: pd.DataFrame, outcomes: Sequence[Outcome]) -> dict[str, RecoveryCalibration]:
    """Calibrate the probability of each outcome on `calibration_eyes`."""
    return {
        outcome.name: RecoveryCalibration.fit(
            eyes[LOGIT + outcome.name].to_numpy(float),
            eyes[RECOVERED + outcome.name].to_numpy(float),
        )
        for outcome in outcomes
    }


def guarantee(calibrations: Sequence[Calibration], cohort: str) -> str:
    """What the intervals guarantee and on what ground, in one sentence, and where that ends.

    Args:
        calibrations: Of the members.
        cohort: Name of the training cohort.
    """
    first, n = calibrations[0], n_calibrated(calibrations)
    alike = f"{first.level:.0%} of the eyes of patients like those of the cohort {cohort!r}"
    on = count_of(n, "patient")
    if not enough(n, first.level):
        return (
            f"The intervals are calibrated on {on}, too few for a guarantee of {first.level:.0%}: "
            f"they are set conservatively to twice the width needed to cover the largest error."
        )
    if first.measured_on == VALIDATION:
        ground = (
            f"about {alike}, calibrated on {on} of the validation split, whose errors are slightly "
            f"too small"
        )
    elif first.measured_on != OUT_OF_FOLD:
        ground = (
            f"at least {first.level:.0%} of the eyes of patients like the {on} it was calibrated "
            f"on: {first.measured_on} (split conformal)"
        )
    elif len(calibrations) == 1:
        ground = f"at least {alike}, calibrated on {on} not used in training (split conformal)"
    else:
        ground = (
            f"about {alike}, calibrated on {on}, each not used in training the network asked "
            f"(cross-conformal; the gain of averaging the networks is approximated)"
        )
    return (
        f"The intervals are set to cover {ground}. There is no guarantee for other patients, "
        f"devices or ways of measuring acuity."
    )


def calibration_warnings(calibrations: Sequence[Calibration]) -> list[str]:
    """A warning where the patients are too few for the level, whatever the coverage."""
    if enough(n_calibrated(calibrations), calibrations[0].level):
        return []
    return [guarantee(calibrations, "")]


def n_calibrated(calibrations: Sequence[Calibration]) -> int:
    """Patients behind the intervals of an ensemble."""
    if calibrations[0].members > 1:
        return calibrations[0].n_patients
    return sum(one.n_patients for one in calibrations)
