"""`similar_eyes.json`: how eyes that the network was not trained on ended, to be compared with.

Of each patient one eye: acuity before, predicted and reached, to the nearest letter and sorted, so
that neither a person nor the order of a table can be told from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.json_file import json_text, read_json

SIMILAR_EYES_FILE = "similar_eyes.json"
VERSION = 1
# A letter of an ETDRS chart.
STEP_LOGMAR = 0.02
# Eyes are similar if acuity before and prediction lie this near; a line and a half each.
WITHIN_LOGMAR = 0.15
MOST_NEIGHBOURS = 50
# Fewer say nothing of a distribution and too much of a person.
FEWEST_NEIGHBOURS = 10

PREOP, PREDICTED, REACHED = "preop", "predicted", "reached"


@dataclass(frozen=True)
class SimilarEyes:
    """Eyes that were held out from a network.

    Args:
        eyes: (E, 3) acuity before surgery, predicted and reached, logMAR to the letter; sorted.
    """

    eyes: NDArray[np.float64]

    @classmethod
    def of_eyes(cls, eyes: pd.DataFrame) -> "SimilarEyes":
        """Take them from `calibration_eyes`; an eye of unknown preoperative acuity is left out."""
        return cls._sorted(eyes[[PREOP, PREDICTED, REACHED]].dropna().to_numpy(float))

    @classmethod
    def pooled(cls, every: Sequence["SimilarEyes"]) -> "SimilarEyes":
        """Those of several networks together."""
        return cls._sorted(np.concatenate([one.eyes for one in every]))

    @classmethod
    def _sorted(cls, eyes: NDArray[np.float64]) -> "SimilarEyes":
        steps = np.floor(eyes.reshape(-1, 3) / STEP_LOGMAR + 0.5)
        order = np.lexsort(steps.T[::-1])
        return cls(np.round(steps[order] * STEP_LOGMAR + 0.0, 2))

    def nearest(self, preop_logmar: float, predicted_logmar: float) -> NDArray[np.float64]:
        """What the most similar eyes reached, logMAR, best first.

        At most `MOST_NEIGHBOURS`, none further off than `WITHIN_LOGMAR` in acuity before or
        predicted.

        Args:
            preop_logmar: Of the eye; NaN = unknown, then no eye is similar.
            predicted_logmar: Of the eye.

        Example:
            >>> eyes = SimilarEyes(np.array([[0.5, 0.1, 0.0], [0.5, 0.12, 0.2], [1.0, 0.1, 0.9]]))
            >>> eyes.nearest(0.48, 0.1).tolist()
            [0.0, 0.2]
        """
        away = np.abs(self.eyes[:, :2] - (preop_logmar, predicted_logmar)).max(axis=1)
        near = np.flatnonzero(away <= WITHIN_LOGMAR + 1e-9)
        chosen = near[np.argsort(away[near], kind="stable")][:MOST_NEIGHBOURS]
        return np.sort(self.eyes[chosen, 2])

    def text(self) -> str:
        """Contents of `similar_eyes.json`."""
        names = [f"{name}_logmar" for name in (PREOP, PREDICTED, REACHED)]
        return json_text({"version": VERSION, "columns": names, "eyes": self.eyes.tolist()})

    def write(self, folder: Path) -> None:
        """Write `similar_eyes.json`."""
        atomic_write(folder / SIMILAR_EYES_FILE, self.text())

    @classmethod
    def read(cls, folder: Path) -> "SimilarEyes | None":
        """Read `similar_eyes.json`; None of an older model folder, which has none.

        Raises:
            InputError: If it is damaged.
        """
        path = folder / SIMILAR_EYES_FILE
        return read_json(path, cls._from_dict) if path.exists() else None

    @classmethod
    def _from_dict(cls, data: dict[str, Any]) -> "SimilarEyes":
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']!r}, expected {VERSION}")
        eyes = np.array(data["eyes"], dtype=float).reshape(-1, 3)
        if not np.isfinite(eyes).all():
            raise ValueError("an acuity is no number")
        return cls(eyes)
