"""`calibration.json`: how wide an interval, and how sure a probability, has to be.

Scores are kept as they are, not only their quantile, since an ensemble needs those of all its
members; there is one of each patient, beside its band of preoperative acuity and no id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.json_file import json_text, read_json
from ctt_net.outcome import Outcome
from ctt_net.uncertainty.calibration_eyes import BAND, ERROR, LOGIT, RECOVERED
from ctt_net.uncertainty.conformal import Scores
from ctt_net.uncertainty.probability import RecoveryCalibration

CALIBRATION_FILE = "calibration.json"
VERSION = 2
LEVEL = 0.9

OUT_OF_FOLD = "patients whom the network saw neither in training nor in selection"
SELECTION = "patients of the selection split, which also chose the checkpoint"


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
        return cls(Scores(scores), data["measured_on"], recovery, **further)


def fit_recovery(eyes: pd.DataFrame, outcomes: Sequence[Outcome]) -> dict[str, RecoveryCalibration]:
    """Calibrate the probability of each outcome on `calibration_eyes`."""
    return {
        outcome.name: RecoveryCalibration.fit(
            eyes[LOGIT + outcome.name].to_numpy(float),
            eyes[RECOVERED + outcome.name].to_numpy(float),
        )
        for outcome in outcomes
    }
