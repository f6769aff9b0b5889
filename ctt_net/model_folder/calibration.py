"""`calibration.json`: how wide an interval has to be to hold what it promises.

Split conformal prediction with the network's own scale (Lei et al. 2018, doi
10.1080/01621459.2017.1307116): the score of an eye is |error| / scale, and the interval of a new
eye is its prediction plus or minus the right quantile of those scores times its scale.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.model_folder.json_file import read_json, write_json

CALIBRATION_FILE = "calibration.json"


@dataclass(frozen=True)
class Calibration:
    """Factor that turns a scale into half an interval.

    Args:
        level: Nominal coverage.
        factor: Half width = factor * scale.
        n_patients: Patients it was measured on.
        measured_on: Which eyes those were. The selection split of a fold also chose the checkpoint,
            so its errors are a little too good and the coverage is nominal, not guaranteed.
    """

    level: float
    factor: float
    n_patients: int
    measured_on: str

    def __post_init__(self) -> None:
        if not (0 < self.level < 1 and 0 <= self.factor < math.inf):
            raise ValueError(f"level {self.level!r} and factor {self.factor!r} make no interval")

    @classmethod
    def measure(
        cls,
        error_logmar: NDArray[np.float64],
        scale_logmar: NDArray[np.float64],
        patient_id: NDArray[np.str_],
        level: float = 0.9,
        measured_on: str = "selection split of the fold, which also chose the checkpoint",
    ) -> "Calibration":
        """Take the quantile of |error| / scale with the finite-sample correction.

        Two eyes of a patient are not exchangeable with two patients, so each patient gives one
        score: the larger. With too few patients for the level, the largest score of all is taken
        and doubled, since no quantile of so few can promise it.

        Args:
            error_logmar: (E,) prediction minus truth.
            scale_logmar: (E,) scale of each prediction.
            patient_id: (E,).
            level: Nominal coverage.
            measured_on: Kept in the file.
        """
        score = pd.Series(np.abs(error_logmar) / scale_logmar)
        worst = np.sort(score.groupby(np.asarray(patient_id)).max().to_numpy())
        rank = math.ceil((len(worst) + 1) * level)
        factor = worst[rank - 1] if rank <= len(worst) else 2 * worst[-1]
        return cls(level, float(factor), len(worst), measured_on)

    def write(self, folder: Path) -> None:
        """Write `calibration.json`."""
        write_json(folder / CALIBRATION_FILE, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> "Calibration":
        """Read `calibration.json`.

        Raises:
            InputError: If it is missing or damaged.
        """
        return read_json(folder / CALIBRATION_FILE, lambda data: cls(**data))
