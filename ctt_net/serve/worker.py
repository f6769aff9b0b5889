"""What runs inside a worker process: the model, loaded once, and one patient at a time."""

import logging
import os
import tempfile
import traceback
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctt_net import __version__
from ctt_net.acuity import NOTATIONS
from ctt_net.errors import InputError
from ctt_net.inference.words import Language

if TYPE_CHECKING:
    from ctt_net.model_folder.predictor import Predictor


@dataclass(frozen=True)
class Wanted:
    """What an answer holds.

    Args:
        page: The HTML page beside the prediction.
        language: Of the page.
        details: Measures, explanation and similar eyes, as `ctt-net predict` has them.
        heat_maps: Also where in the scans the prediction comes from.
    """

    page: bool = False
    language: Language = "en"
    details: bool = True
    heat_maps: bool = False


@dataclass(frozen=True)
class Answer:
    """What became of one patient; errors are told, not raised, since not all survive the way back.

    Args:
        prediction: Contents of prediction.json; None if there is none.
        page: The HTML page, if it was asked for.
        refused: Why the input was refused, in words for the user.
        failed: Where the program failed, without the message, which may quote a patient's data.
    """

    prediction: dict[str, Any] | None = None
    page: str | None = None
    refused: str = ""
    failed: str = ""


def predict(model: str, folder: str, wanted: Wanted) -> Answer:
    """Predict a patient folder.

    Args:
        model: Model or run folder.
        folder: Patient folder.
        wanted: What the answer holds.
    """
    # Here, since the server itself names these functions and needs none of it.
    from ctt_net.inference.predict import predict_patient

    # Whatever is cut from DICOM goes beside the folder, and away with it.
    tempfile.tempdir = str(Path(folder).parent)
    try:
        done = predict_patient(
            folder, _predictor(model), details=wanted.details, heat_maps=wanted.heat_maps
        )
        return Answer(done.prediction, done.page(wanted.language) if wanted.page else None)
    except InputError as error:
        return Answer(refused=str(error))
    except Exception as error:
        return Answer(failed=place_of(error))


def describe(model: str) -> dict[str, Any] | str:
    """Load the model; what a client must know of it, or why it cannot be loaded.

    Args:
        model: Model or run folder.
    """
    try:
        return model_facts(_predictor(model), _logged)
    except InputError as error:
        return str(error)


def model_facts(predictor: "Predictor", logged: list[str] | None = None) -> dict[str, Any]:
    """Answer of `/v1/model`.

    Args:
        predictor: Loaded.
        logged: What loading it warned of.
    """
    spec = predictor.spec
    ranges = predictor.covariate_ranges
    return {
        "name": spec.name,
        "members": len(predictor.members),
        "trained_on": spec.cohort,
        "synthetic": spec.synthetic,
        "predicts": spec.predicts,
        "off_chart_policy": spec.off_chart_policy,
        "followup_days": list(spec.followup_days) if spec.followup_days else None,
        "interval_level": predictor.level,
        "views": list(spec.views),
        "covariates": [
            {
                "name": name,
                "kind": one.kind,
                "unit": one.unit,
                "levels": list(one.levels),
                "training_range": ranges.get(name),
            }
            for name, one in predictor.covariates.items()
            if one.measured_in is None
        ],
        "measures_in_scans": any(one.measured_in for one in predictor.covariates.values()),
        "devices": list(spec.devices),
        "outcomes": {outcome.name: outcome.in_words() for outcome in spec.outcomes},
        "notations": list(NOTATIONS),
        "warnings": [*(logged or []), *predictor.warnings],
        "ctt_net_version": __version__,
    }


def place_of(error: BaseException) -> str:
    """Kind of an error and the line that raised it.

    >>> place_of(ValueError("name of a patient"))
    'ValueError'
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + where


_logged: list[str] = []


class _Keep(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _logged.append(record.getMessage())


@lru_cache(maxsize=1)
def _predictor(model: str) -> "Predictor":
    # Libraries of picture formats print to a pipe that nobody reads, and wait once it is full.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    from ctt_net.model_folder.predictor import Predictor

    keep = _Keep(logging.WARNING)
    logging.getLogger("ctt_net").addHandler(keep)
    try:
        return Predictor.load(model)
    finally:
        logging.getLogger("ctt_net").removeHandler(keep)
